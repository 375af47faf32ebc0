// fuzz: snapshot/* filters/* adapters/yaml
// A whole document from anywhere, compiled with the real filters: it becomes a snapshot that holds together, or
// problems that each say something about a place in the text. Documents that name certificate files are passed by: a
// fuzzer should not open files it makes up.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/yaml/load.h"
#include "filters/table.h"
#include "snapshot/compile/compile.h"

namespace {

using namespace weir;

void require(bool holds) {
  if (!holds) std::abort();
}

void look_at(const pipeline::Destination& destination, const snapshot::Snapshot& snapshot) {
  require(destination.upstream < snapshot.upstreams.size());
  require(!destination.authority.empty());
  require(destination.path_prefix.empty() ||
          (destination.path_prefix.starts_with('/') && !destination.path_prefix.ends_with('/')));
}

void look_at(const snapshot::Snapshot& snapshot) {
  require(!snapshot.listeners.empty() && !snapshot.routes.empty());
  require(snapshot.route_links.size() == snapshot.routes.size() && snapshot.digest.size() == 64);
  for (const pipeline::UpstreamSpec& upstream : snapshot.upstreams) require(!upstream.targets.empty());
  for (std::size_t i = 0; i < snapshot.routes.size(); ++i) {
    const pipeline::Route& route = snapshot.routes[i];
    require(route.index == i && !route.id.empty());
    require(route.proxied == (route.chain.execution != nullptr));
    require(!route.chain.on_finish.empty());  // the access log
    if (route.proxied) look_at(route.stable, snapshot);
    if (route.canary_below != 0) look_at(route.canary, snapshot);
  }
}

}  // namespace

// Why: libfyaml 0.7.12 loses its scratch buffer when it gives up inside a long token (config_fuzz.cc).
extern "C" const char* __lsan_default_suppressions() { return "leak:libfyaml.so"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.contains("_file") || text.contains('\\')) return 0;  // an escape could spell the word otherwise
  const auto document = yaml::load(text);
  if (!document) return 0;
  const auto compiled = snapshot::compile(*document, {.filters = filters::table(), .base_dir = "/nonexistent"});
  if (compiled) {
    look_at(**compiled);
    return 0;
  }
  require(!compiled.error().empty());
  for (const Problem& problem : compiled.error()) require(!problem.message.empty() && problem.position.line >= 1);
  return 0;
}
