// The fingerprint of RSA moduli that Infineon's library made (CVE-2017-15361, "The Return of Coppersmith's Attack",
// Nemec et al., CCS 2017 §3.1): modulo each of many small primes they are a power of 65537, which a sound key is not.
// Pure, any thread.
#pragma once

#include <string_view>

namespace weir::jose {

bool has_roca_fingerprint(std::string_view modulus) noexcept;  // big-endian bytes

}  // namespace weir::jose
