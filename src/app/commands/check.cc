// `weir check`: whether the gateway would run with these files. Compiles them as the gateway does and throws the
// result away.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "app/commands/commands.h"
#include "app/host/config_source.h"
#include "snapshot/compile/compile.h"

namespace weir::app {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

std::string count(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

bool check_one(const ConfigSource& source, pipeline::FilterTable filters, bool verbose) {
  const auto start = Clock::now();
  const auto document = source.load();
  if (!document) {
    print({document.error()}, source);
    return false;
  }
  const auto loaded = Clock::now();
  const auto compiled = snapshot::compile(*document, {.filters = filters, .base_dir = source.base_dir});
  const auto end = Clock::now();
  if (!compiled) {
    print(compiled.error(), source);
    fmt::print(stderr, "{}: {}\n", source.name(), count(compiled.error().size(), "problem"));
    return false;
  }
  const snapshot::Snapshot& snapshot = **compiled;
  for (const std::string& warning : snapshot.warnings)
    fmt::print(stderr, "{}: warning: {}\n", source.name(), warning);
  fmt::print("{}: ok ({}, {}, {:.1f} ms)\n", source.name(), count(snapshot.routes.size(), "route"),
             count(snapshot.upstreams.size(), "upstream"), milliseconds(end - start));
  if (verbose) {
    fmt::print("  read in {:.1f} ms, compiled in {:.1f} ms\n  {} of filters shared by all routes\n  sha256 {}\n",
               milliseconds(loaded - start), milliseconds(end - loaded), count(snapshot.filters.size(), "instance"),
               snapshot.digest);
  }
  return true;
}

}  // namespace

int check(const CheckOptions& options, pipeline::FilterTable filters) {
  if (options.files.empty()) {
    const auto source = find_config("", "check");
    if (!source) return kUsage;
    return check_one(*source, filters, options.verbose) ? kOk : kProblems;
  }
  bool good = true;
  for (const std::string& file : options.files) {
    good = check_one(config_file(file), filters, options.verbose) && good;
  }
  return good ? kOk : kProblems;
}

}  // namespace weir::app
