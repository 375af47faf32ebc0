#include "adapters/redis/credentials/token_cache.h"

#include "base/hex.h"
#include "crypto/digest.h"

namespace weir::adapters::redis {
namespace {

constexpr std::size_t kSeal = 32;
// Entries on their way to Redis; what comes while it is that slow is simply verified again by others.
constexpr std::size_t kMostStoring = 256;

std::string name_of(std::string_view key) {
  std::string out = "weir:token:";
  for (const char c : key) out.append(&kHexPairs[2 * static_cast<unsigned char>(c)], 2);
  return out;
}

}  // namespace

std::string TokenCache::sealed(std::string_view name, std::string_view value) const {
  const crypto::Digest seal = (*seal_)({name, "\n", value});
  return {reinterpret_cast<const char*>(seal.data()), seal.size()};
}

bool TokenCache::available() const noexcept {
  const Client* client = seal_ ? client_() : nullptr;
  return client != nullptr && client->available();
}

io::Task<std::optional<std::string>> TokenCache::get(std::string_view key) {
  Client* client = client_();
  if (client == nullptr || !seal_) co_return std::nullopt;
  const std::string name = name_of(key);
  const Answer answer = co_await client->call({"GET", name}, client->deadline());
  if (!answer || answer->type() != Type::text) co_return std::nullopt;
  const std::string_view text = answer->text();
  if (!seal_ || text.size() <= kSeal ||
      !crypto::equal_in_constant_time(sealed(name, text.substr(kSeal)), text.substr(0, kSeal))) {
    ++forged_;
    co_return std::nullopt;
  }
  co_return std::string(text.substr(kSeal));
}

void TokenCache::put(std::string_view key, std::string_view value, std::chrono::seconds ttl) {
  if (!available() || tasks_.running() >= kMostStoring) return;
  std::string name = name_of(key);
  std::string text = sealed(name, value);
  text.append(value);
  tasks_.spawn(store(std::move(name), std::move(text), std::to_string(ttl.count())));
}

io::Task<void> TokenCache::store(std::string name, std::string value, std::string ttl) {
  Client* client = client_();
  if (client == nullptr) co_return;
  const std::array<std::string_view, 5> words{"SET", name, value, "EX", ttl};
  co_await client->call(Command(words), client->deadline());
}

}  // namespace weir::adapters::redis
