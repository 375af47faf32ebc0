// Where a command's config comes from: a file, standard input, or ./weir.yaml when none is named. Used by every
// command that takes one. It reads and parses; what the config means is compile's.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "base/json/json.h"
#include "base/json/problem.h"

namespace weir::app {

inline constexpr const char* kDefaultConfig = "weir.yaml";

struct ConfigSource {
  std::string file;      // "-": standard input
  std::string base_dir;  // what relative file names in it are below; empty: the working directory

  std::string_view name() const { return file == "-" ? "standard input" : std::string_view(file); }
  std::expected<Json, Problem> load() const;
};

// `file` as given by --config; empty: ./weir.yaml, and standard error is told so. nullopt: there is none, and
// standard error was told that too.
std::optional<ConfigSource> find_config(const std::string& file, std::string_view command);

ConfigSource config_file(const std::string& file);

// The problems, one line each, on standard error.
void print(const Problems& problems, const ConfigSource& source);

}  // namespace weir::app
