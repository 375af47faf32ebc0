// `weir schema`: the JSON Schema of the config file, for editors.
#include <fmt/format.h>

#include "app/commands/commands.h"
#include "snapshot/schema/document_schema.h"

namespace weir::app {

int schema(const SchemaOptions&, pipeline::FilterTable filters) {
  fmt::print("{}\n", to_pretty(to_json_schema(snapshot::document_schema(filters), "The configuration of Weir")));
  return kOk;
}

}  // namespace weir::app
