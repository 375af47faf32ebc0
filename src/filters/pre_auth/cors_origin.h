// Origins as the cors filter allows them: exact, every host below a domain, or all. Immutable after construction;
// contain() runs on the exchange's thread without allocation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::filters {

// A FormatCheck for schemas: "*", "https://app.example.com", "https://*.example.com", with or without a port. In the
// form browsers send (lower case, without the scheme's own port, no path), since anything else would never match.
bool is_origin(std::string_view text, std::string& why);

class Origins {
 public:
  Origins() = default;
  explicit Origins(const std::vector<std::string>& allowed);  // each has passed is_origin()

  bool all() const noexcept { return all_; }
  // `origin`: the Origin field. "null" (sandboxed frames, local files) is contained only in "*".
  bool contain(std::string_view origin) const noexcept;

 private:
  struct Below {
    std::string scheme;  // "https://"
    std::string suffix;  // ".example.com:8443"
  };
  std::vector<std::string> exact_;
  std::vector<Below> below_;
  bool all_ = false;
};

}  // namespace weir::filters
