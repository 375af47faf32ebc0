#include "app/feeds/key_copy.h"

#include "base/file/durable_folder.h"
#include "base/file/whole_file.h"
#include "crypto/digest.h"

namespace weir::app {
namespace {

using identity::KeyRecord;

constexpr std::string_view kFirstLine = "weir keys 1\n";
constexpr std::string_view kSeal = "seal ";
// 50,000 keys take some 15 MB; a million are no copy of ours.
constexpr std::size_t kMostBytes = 512UL * 1024 * 1024;

}  // namespace

std::string write_key_copy(const std::string& file, const std::vector<KeyRecord>& records,
                           const crypto::Mac& pepper) {
  std::string text(kFirstLine);
  for (const KeyRecord& record : records) text.append(to_canonical(to_json(record))).append("\n");
  const std::string seal = crypto::to_hex(pepper(text));
  text.append(kSeal).append(seal).append("\n");
  const std::size_t slash = file.rfind('/');
  const auto folder = DurableFolder::open(slash == std::string::npos ? "." : file.substr(0, slash));
  if (!folder) return "the local copy of the keys: " + folder.error();
  const auto written = folder->write(slash == std::string::npos ? file : file.substr(slash + 1), text);
  return written ? std::string() : "the local copy of the keys: " + written.error();
}

std::expected<std::vector<KeyRecord>, std::string> read_key_copy(const std::string& file, const crypto::Mac& pepper) {
  auto read = read_file(file, kMostBytes);
  if (!read) return std::unexpected(std::move(read.error()));
  if (!*read) return std::unexpected("there is no local copy at " + file);
  const std::string& text = **read;
  const std::string broken = "the local copy " + file + " is damaged, or of another pepper";
  const std::size_t seal = text.rfind(kSeal);
  crypto::Digest wanted;
  if (seal == std::string::npos || !text.starts_with(kFirstLine) || !text.ends_with('\n'))
    return std::unexpected(broken);
  const std::string_view body = std::string_view(text).substr(0, seal);
  const std::string_view hex =
      std::string_view(text).substr(seal + kSeal.size(), text.size() - seal - kSeal.size() - 1);
  if (!crypto::from_hex(hex, wanted) || !crypto::equal_in_constant_time(pepper(body), wanted))
    return std::unexpected(broken);
  std::vector<KeyRecord> out;
  for (std::string_view rest = body.substr(kFirstLine.size()); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto json = parse_json(line);
    if (!json) return std::unexpected(broken);
    auto record = identity::key_record(*json);
    if (!record) return std::unexpected(broken);
    out.push_back(std::move(*record));
  }
  return out;
}

}  // namespace weir::app
