#include "adapters/redis/script.h"

#include <openssl/evp.h>

#include <array>

#include "base/hex.h"

namespace weir::adapters::redis {

Script::Script(std::string source) : source_(std::move(source)) {
  std::array<unsigned char, 20> digest{};
  // SHA-1 names the script, it protects nothing: EVALSHA is defined by it.
  EVP_Digest(source_.data(), source_.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  for (const unsigned char byte : digest) sha1_.append(&kHexPairs[std::size_t{2} * byte], 2);
}

}  // namespace weir::adapters::redis
