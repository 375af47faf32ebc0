// Methods as bits, so that a route's `http_methods` is one word and a 405 knows its Allow list. One table per router:
// it gives bits to the custom methods its routes name. Filled by the build, then read by all workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::snapshot {

using MethodSet = std::uint64_t;

class MethodTable {
 public:
  static constexpr MethodSet kAny = ~MethodSet{0};

  // One bit; a method that no route names has a bit too, which only kAny contains. Case matters (RFC 9110 §9.1).
  MethodSet bit_of(std::string_view token) const noexcept;

  // Like bit_of, giving a custom method its bit. nullopt: not a token, or more than kMaxCustom different ones.
  std::optional<MethodSet> add(std::string_view token);

  // "GET, HEAD, POST": for Allow. Standard methods first, then custom ones as added; nothing for the unnamed bit.
  std::string text(MethodSet set) const;

  static MethodSet get() noexcept;
  static MethodSet head() noexcept;

  // 64 bits less the standard methods and the unnamed bit. WebDAV with all its extensions has 30.
  static constexpr std::size_t kMaxCustom = 54;

 private:
  std::vector<std::string> custom_;
};

}  // namespace weir::snapshot
