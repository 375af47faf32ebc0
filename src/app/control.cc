#include "app/control.h"

#include <fmt/format.h>

#include "app/commands.h"
#include "app/config_source.h"
#include "app/control_keys.h"
#include "snapshot/compile.h"
#include "snapshot/parts.h"

namespace weir::app {
namespace {

using Config = std::shared_ptr<const snapshot::Snapshot>;

// The file, if it is one that a control plane can run on; else standard error was told.
Config load(const ConfigSource& source, pipeline::FilterTable filters) {
  const auto document = source.load();
  if (!document) {
    print({document.error()}, source);
    return nullptr;
  }
  if (document->find("control") == nullptr) {
    print({{document->position, "", "has no section `control`",
            "it says where the database is and where operators are answered: docs/control-plane.md"}},
          source);
    return nullptr;
  }
  auto compiled = snapshot::compile(*document, {.filters = filters, .base_dir = source.base_dir});
  if (compiled) return *compiled;
  print(compiled.error(), source);
  return nullptr;
}

int print_public_key(const snapshot::ControlSettings& settings) {
  const auto key = signing_key(settings);
  if (!key) {
    fmt::print(stderr, "weir control: {}\n", key.error());
    return kProblems;
  }
  fmt::print("{}\n", revision::to_hex(key->public_key()));
  return kOk;
}

}  // namespace

int control(const ControlOptions& options, pipeline::FilterTable filters) {
  const auto source = find_config(options.config, "control");
  if (!source) return kUsage;
  const Config config = load(*source, filters);
  if (!config) return kProblems;
  if (options.public_key) return print_public_key(*config->control);
  return kProblems;
}

}  // namespace weir::app
