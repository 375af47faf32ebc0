// A document becomes the snapshot a gateway runs on, or the list of everything that is wrong with it. Called by `weir
// check` and `weir routes`, by the gateway when it loads or reloads, by the control plane before it publishes:
// what passes here runs. Off the serving threads; it reads the certificate files the document names, and nothing else
// from the outside: no name is resolved, no upstream asked.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "base/json/json.h"
#include "base/json/problem.h"
#include "pipeline/filter.h"
#include "snapshot/snapshot.h"

namespace weir::io {
class TlsTicketKeys;
}

namespace weir::snapshot {

struct CompileOptions {
  pipeline::FilterTable filters;
  std::string base_dir;  // relative file names in the document are below it; empty: the working directory
  std::uint64_t revision = 1;
  // The document is a gateway's own part with a revision merged in (snapshot/parts.h): its routes may stand beside
  // `control_plane`.
  bool published = false;
  // What sealed values are opened with; empty: what the document's control_plane or control names.
  std::string master_key = {};
  io::TlsTicketKeys* ticket_keys = nullptr;  // io/tls/tls_server.h; outlives the snapshot
};

// Problems are those of the form (snapshot/schema/document_schema.h) if there are any, else all those of the meaning:
// dangling names, ambiguous routes, filters that refuse their config, unusable certificates. In the order of the
// text.
std::expected<std::shared_ptr<const Snapshot>, Problems> compile(const Json& document, const CompileOptions& options);

}  // namespace weir::snapshot
