// Reads a YAML or JSON file into a Json with positions, strictly. Used by app/host/config_source and the
// operator's commands. libfyaml does the scanning and stops in this folder. Cold path, any thread; it blocks on
// the file, so never on a worker.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include "base/json/json.h"
#include "base/json/problem.h"

namespace weir::yaml {

// The largest file taken: 50,000 routes of 300 bytes are 15 MB.
inline constexpr std::size_t kFileLimit = std::size_t{16} << 20;

// YAML 1.2 with the core schema: unquoted true, false, null, ~ and numbers are what they look like, everything else
// (yes, no, on, NO) and everything quoted is a string. Refused, each with its place: text that is not UTF-8,
// duplicate names, names that are not strings, merge keys (<<), tags other than the core ones, several documents,
// nesting beyond kJsonDepthLimit, aliases that multiply to more than kFileLimit, numbers with leading zeros or out of
// range, .inf, .nan, a NUL, a folded text (>) that libfyaml would read wrong. An empty text is null. Positions are
// those of names and values, line:column from 1; a value that came through an alias carries the place of the alias,
// what is inside it the place of its anchor.
std::expected<Json, Problem> load(std::string_view text);

// A file named *.json, or with another name than *.yaml and *.yml and beginning with "{", goes through parse_json;
// everything else through load. A file that cannot be read is a Problem without a position.
std::expected<Json, Problem> load_file(const char* path);

}  // namespace weir::yaml
