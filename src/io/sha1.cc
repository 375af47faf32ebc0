#include "io/sha1.h"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/hex.h"

namespace weir::io {

std::string sha1_hex(std::string_view bytes) {
  std::array<unsigned char, 20> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
    // A crypto policy without SHA-1 for digests: then no script can be named.
    std::fputs("weir: OpenSSL cannot compute SHA-1\n", stderr);
    std::abort();
  }
  std::string out;
  out.reserve(2 * digest.size());
  for (const unsigned char byte : digest) out.append(&kHexPairs[std::size_t{2} * byte], 2);
  return out;
}

}  // namespace weir::io
