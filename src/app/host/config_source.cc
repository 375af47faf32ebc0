#include "app/host/config_source.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "adapters/yaml/load.h"

namespace weir::app {
namespace {

// One wrong template in a generated file is wrong in every route: a screen or two of it is enough.
constexpr std::size_t kMostPrinted = 100;

}  // namespace

std::expected<Json, Problem> ConfigSource::load() const {
  return yaml::load_file(file == "-" ? "/dev/stdin" : file.c_str());
}

ConfigSource config_file(const std::string& file) {
  if (file == "-") return {file, ""};
  return {file, std::filesystem::path(file).parent_path().string()};
}

std::optional<ConfigSource> find_config(const std::string& file, std::string_view command) {
  if (!file.empty()) return config_file(file);
  std::error_code unused;
  if (!std::filesystem::exists(kDefaultConfig, unused)) {
    fmt::print(stderr, "weir {}: no file is given and there is no ./{} here\nTry: weir {} --help\n", command,
               kDefaultConfig, command);
    return std::nullopt;
  }
  fmt::print(stderr, "weir {}: no file is given, so ./{} is used\n", command, kDefaultConfig);
  return config_file(kDefaultConfig);
}

void print(const Problems& problems, const ConfigSource& source) {
  for (std::size_t i = 0; i < problems.size() && i < kMostPrinted; ++i) {
    fmt::print(stderr, "{}\n", describe(problems[i], source.name()));
  }
  if (problems.size() > kMostPrinted) {
    fmt::print(stderr, "{}: and {} more\n", source.name(), problems.size() - kMostPrinted);
  }
}

}  // namespace weir::app
