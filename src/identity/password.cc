#include "identity/password.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

namespace weir::identity {
namespace {

// scrypt holds 128 * N * r bytes: 128 MiB at most, so that a slip in the config does not end the process. OWASP asks
// for 2^17 with r = 8 at most, which is just that.
constexpr std::uint64_t kMostMemory = 128ULL * 1024 * 1024 + 4096;
constexpr std::uint32_t kFewestIterations = 100'000;
constexpr std::uint32_t kMostIterations = 10'000'000;

bool number(std::string_view text, std::string_view name, std::uint32_t& out) {
  if (!text.starts_with(name)) return false;
  text.remove_prefix(name.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool derive(const PasswordHash& how, std::string_view password, std::span<unsigned char> out) {
  const auto* salt = reinterpret_cast<const unsigned char*>(how.salt.data());
  if (how.kind == PasswordHash::Kind::pbkdf2_sha256) {
    return PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt,
                             static_cast<int>(how.salt.size()), static_cast<int>(how.cost), EVP_sha256(),
                             static_cast<int>(out.size()), out.data()) == 1;
  }
  return EVP_PBE_scrypt(password.data(), password.size(), salt, how.salt.size(), std::uint64_t{1} << how.cost,
                        how.block_size, how.parallelism, 2 * kMostMemory, out.data(), out.size()) == 1;
}

std::string unpadded(std::string_view bytes) {
  std::string out = crypto::to_base64({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::string random_text(std::size_t size) {
  std::string out(size, '\0');
  crypto::random_bytes({reinterpret_cast<unsigned char*>(out.data()), out.size()});
  return out;
}

std::expected<void, std::string> read_costs(std::string_view costs, PasswordHash& out) {
  if (out.kind == PasswordHash::Kind::pbkdf2_sha256) {
    if (!number(costs, "i=", out.cost)) return std::unexpected(std::string("expected i=ITERATIONS"));
    if (out.cost < kFewestIterations || out.cost > kMostIterations)
      return std::unexpected(std::string("expected from 100000 to 10000000 iterations"));
    return {};
  }
  const auto parts = split(costs, ',');
  if (parts.size() != 3 || !number(parts[0], "ln=", out.cost) || !number(parts[1], "r=", out.block_size) ||
      !number(parts[2], "p=", out.parallelism))
    return std::unexpected(std::string("expected ln=N,r=N,p=N"));
  if (out.cost < 10 || out.cost > 24 || out.block_size < 1 || out.block_size > 64 || out.parallelism < 1 ||
      out.parallelism > 16 || (std::uint64_t{128} << out.cost) * out.block_size > kMostMemory)
    return std::unexpected(std::string("expected ln from 10, p up to 16, and at most 128 MiB (128 * 2^ln * r)"));
  return {};
}

}  // namespace

std::expected<PasswordHash, std::string> parse_password_hash(std::string_view text) {
  const auto parts = split(text, '$');
  PasswordHash out;
  if (parts.size() == 5 && parts[0].empty() && parts[1] == "pbkdf2-sha256") {
    out.kind = PasswordHash::Kind::pbkdf2_sha256;
  } else if (parts.size() != 5 || !parts[0].empty() || parts[1] != "scrypt") {
    return std::unexpected(
        std::string("expected $scrypt$… or $pbkdf2-sha256$…, not the password and no other kind of hash"));
  }
  if (auto read = read_costs(parts[2], out); !read) return std::unexpected(read.error());
  if (!crypto::from_base64(parts[3], out.salt) || out.salt.size() < 8)
    return std::unexpected(std::string("the salt is not base64 of 8 bytes or more"));
  if (!crypto::from_base64(parts[4], out.hash) || out.hash.size() < 16 || out.hash.size() > 64)
    return std::unexpected(std::string("the hash is not base64 of 16 to 64 bytes"));
  return out;
}

bool password_holds(const PasswordHash& hash, std::string_view password) {
  std::array<unsigned char, 64> made{};
  const std::span<unsigned char> out(made.data(), std::min(hash.hash.size(), made.size()));
  if (out.empty() || !derive(hash, password, out)) return false;
  return crypto::equal_in_constant_time(out,
                                        {reinterpret_cast<const unsigned char*>(hash.hash.data()), hash.hash.size()});
}

std::string hash_password(std::string_view password) {
  PasswordHash made;
  made.salt = random_text(16);
  std::array<unsigned char, 32> out{};
  if (!derive(made, password, out)) return {};
  return "$scrypt$ln=15,r=8,p=3$" + unpadded(made.salt) + "$" +
         unpadded({reinterpret_cast<const char*>(out.data()), out.size()});
}

PasswordHash nobodys_hash() {
  PasswordHash out;
  out.salt = random_text(16);
  out.hash = random_text(32);
  return out;
}

}  // namespace weir::identity
