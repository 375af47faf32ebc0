// Columns of a row, read as what they are, and the errors of rows that are not what this program wrote. For the
// files of this room; any thread.
#pragma once

#include <charconv>

#include "control/sql/session.h"

namespace weir::control::sql {

// 0 for what is no number: columns of numbers hold nothing else.
inline std::int64_t number(const std::string& column) noexcept {
  std::int64_t out = 0;
  std::from_chars(column.data(), column.data() + column.size(), out);
  return out;
}

inline std::uint64_t unsigned_number(const std::string& column) noexcept {
  return static_cast<std::uint64_t>(number(column));
}

inline bool flag(const std::string& column) noexcept { return column == "t" || column == "1"; }

inline std::unexpected<StoreError> damaged(std::string_view what, std::string_view name) {
  return std::unexpected(StoreError{StoreError::Kind::broken,
                                    std::string(what) + ' ' + std::string(name) + " is damaged in the database"});
}

// A column of JSON; `what` and `name` are for the error.
inline StoreResult<Json> json(const std::string& column, std::string_view what, std::string_view name) {
  auto parsed = parse_json(column);
  if (!parsed) return damaged(what, name);
  return std::move(*parsed);
}

inline std::vector<std::string> words(const Json& array) {
  std::vector<std::string> out;
  for (const Json& item : array.items()) out.emplace_back(item.as_string());
  return out;
}

inline std::string words_text(const std::vector<std::string>& words) {
  Json array = Json::array();
  for (const std::string& word : words) array.push(word);
  return to_canonical(array);
}

inline Value value(std::uint64_t number) noexcept { return static_cast<std::int64_t>(number); }

}  // namespace weir::control::sql
