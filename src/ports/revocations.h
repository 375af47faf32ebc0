// Which tokens count no more although they have not expired: by their id, or all that a subject was given up to some
// time. Kept up to date in the background. Degraded: when the source is lost the last known list stays. One per
// worker, its thread only.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::ports {

class Revocations {
 public:
  struct Token {
    std::string_view issuer = {};
    std::string_view id = {};       // `jti`; empty: none
    std::string_view subject = {};  // `sub`; empty: none
    double issued_at = 0;           // `iat`, seconds since the epoch; 0: unknown, which is before any time
  };

  virtual ~Revocations() = default;
  // Another number whenever the list is another: what was found good under this one still is.
  virtual std::uint64_t version() const noexcept = 0;
  virtual bool revoked(const Token& token) const noexcept = 0;
};

}  // namespace weir::ports
