// `weir version`: what to say in a bug report.
#include <fmt/format.h>

#include "app/commands/commands.h"
#include "io/tls/tls.h"

namespace weir::app {

int version(const VersionOptions&) {
#ifdef NDEBUG
  constexpr std::string_view kBuild = "release";
#else
  constexpr std::string_view kBuild = "debug, with assertions";
#endif
  fmt::print("weir {}\ncompiler {}\n{}\nbuild {}\n", WEIR_VERSION, __VERSION__, io::tls_library_version(), kBuild);
  return kOk;
}

}  // namespace weir::app
