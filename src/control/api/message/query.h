// The parameters behind '?', checked against what a route takes: a misspelt ?dry_rum must not become a write. Also
// the cursors of lists. Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "control/api/message/problem.h"
#include "control/store.h"

namespace weir::control::api {

// What one item of a list may be asked for; beyond 1,000 an answer takes longer than people wait.
inline constexpr std::int64_t kMostItems = 1000;
inline constexpr std::int64_t kItems = 100;

class Query {
 public:
  // The request's parameters must be among `known`, each at most once.
  static Outcome<Query> of(const ApiRequest& request, std::span<const std::string_view> known);

  const std::string* find(std::string_view name) const noexcept;
  std::string_view text(std::string_view name) const noexcept;  // empty: not there
  Outcome<bool> flag(std::string_view name) const;              // false: not there; ?x alone is true, ?x= is neither
  Outcome<std::int64_t> number(std::string_view name, std::int64_t least, std::int64_t most,
                               std::int64_t fallback) const;
  // "500ms", "5s", "1m".
  Outcome<std::chrono::milliseconds> duration(std::string_view name, std::chrono::milliseconds most,
                                              std::chrono::milliseconds fallback) const;
  // limit, cursor, tag and q of a list by name; the page asks for one item more than the limit, so that its absence
  // says that this was the last.
  Outcome<Page> page(std::string_view list) const;
  // The same for lists by number: the cursor's number, 0: from the start.
  Outcome<std::uint64_t> after_number(std::string_view list) const;
  Outcome<std::size_t> limit() const;

 private:
  explicit Query(const ApiRequest& request) noexcept : request_(&request) {}
  const ApiRequest* request_;
};

// A cursor is opaque to whoever holds it and bound to its list, so that one of another list is refused.
std::string make_cursor(std::string_view list, std::string_view last);
std::optional<std::string> read_cursor(std::string_view list, std::string_view cursor);

}  // namespace weir::control::api
