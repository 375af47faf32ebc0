#include "io/sha256.h"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>

namespace weir::io {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 || size != 32) {
    // Only a broken OpenSSL (no default provider) gets here, and nothing that must be trusted can be told apart then.
    std::fputs("weir: OpenSSL cannot compute SHA-256\n", stderr);
    std::abort();
  }
  std::string out;
  out.reserve(std::size_t{2} * size);
  for (unsigned int i = 0; i < size; ++i) {
    out += "0123456789abcdef"[digest[i] >> 4];
    out += "0123456789abcdef"[digest[i] & 15];
  }
  return out;
}

}  // namespace weir::io
