// last_good.h. A revision is the file NUMBER.revision, its number in 20 digits; its bytes are those of encode().
#include "gateway/config/last_good.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/file/durable_folder.h"
#include "base/file/whole_file.h"
#include "base/hex.h"
#include "base/random.h"

namespace weir::gateway {
namespace {

constexpr std::string_view kSuffix = ".revision";
constexpr std::size_t kDigits = 20;  // of 2^64
constexpr std::size_t kIdDigits = 16;

std::string name_of(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0') + digits + std::string(kSuffix);
}

// nullopt: not a file of ours.
std::optional<std::uint64_t> number_of(std::string_view name) noexcept {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return number;
}

std::expected<std::vector<std::uint64_t>, std::string> newest_first(const std::string& folder) {
  const auto names = names_in(folder);
  if (!names) return std::unexpected(names.error());
  std::vector<std::uint64_t> out;
  for (const std::string& name : *names)
    if (const auto number = number_of(name)) out.push_back(*number);
  std::ranges::sort(out, std::greater());
  return out;
}

// Of those up to the one just saved the newest stay. Those beyond it are not good, or another process is ahead: they
// stay too, as many, so that nothing good is removed and nothing grows.
void remove_oldest(const DurableFolder& folder, const std::vector<std::uint64_t>& numbers, std::uint64_t saved) {
  std::size_t beyond = 0, kept = 0;
  for (const std::uint64_t number : numbers) {
    if (++(number > saved ? beyond : kept) > LastGood::kGenerations) folder.remove(name_of(number));
  }
}

std::expected<revision::Signed, std::string> usable(const std::string& path, std::uint64_t number,
                                                    const revision::PublicKey& key) {
  const auto bytes = read_file(path, LastGood::kMostBytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return std::unexpected(path + " was removed meanwhile");
  auto revision = revision::decode(**bytes);
  if (!revision) return std::unexpected(path + " is damaged: " + revision.error());
  if (auto holds = revision::verify(*revision, key); !holds)
    return std::unexpected(path + " is not used: " + holds.error());
  if (revision->number != number)
    return std::unexpected(path + " is not used: it is revision " + std::to_string(revision->number));
  return std::move(*revision);
}

bool is_id(std::string_view text) noexcept {
  return text.size() == kIdDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::expected<void, std::string> LastGood::save(const revision::Signed& good) const {
  const auto folder = DurableFolder::open(directory_);
  if (!folder) return std::unexpected(folder.error());
  if (auto written = folder->write(name_of(good.number), revision::encode(good)); !written) return written;
  const auto names = names_in(directory_);
  if (!names) return {};  // it is saved all the same
  for (const std::string& name : *names) {
    const std::string_view text(name);
    if (text.ends_with(kUnfinished) && number_of(text.substr(0, text.size() - kUnfinished.size())))
      folder->remove(name);
  }
  if (const auto numbers = newest_first(directory_)) remove_oldest(*folder, *numbers, good.number);
  return {};
}

LastGood::Loaded LastGood::load(const revision::PublicKey& key, std::uint64_t below) const {
  Loaded out;
  const auto numbers = newest_first(directory_);
  if (!numbers) {
    out.skipped.push_back(numbers.error());
    return out;
  }
  for (const std::uint64_t number : *numbers) {
    if (number >= below) continue;
    auto revision = usable(directory_ + "/" + name_of(number), number, key);
    if (revision) {
      out.revision = std::move(*revision);
      break;
    }
    out.skipped.push_back(std::move(revision.error()));
  }
  return out;
}

std::expected<std::string, std::string> instance_id(const std::string& state_dir) {
  const auto folder = DurableFolder::open(state_dir);  // locked: two that start together get one id
  if (!folder) return std::unexpected(folder.error());
  const auto there = read_file(state_dir + "/instance_id", 4096);
  if (!there) return std::unexpected(there.error());
  if (*there) {
    const std::string_view id = std::string_view(**there).substr(0, kIdDigits);
    if (is_id(id)) return std::string(id);
  }
  std::string id(kIdDigits, '0');
  write_hex(id.data(), fast_random(), kIdDigits / 2);
  if (auto written = folder->write("instance_id", id + "\n"); !written) return std::unexpected(written.error());
  return id;
}

}  // namespace weir::gateway
