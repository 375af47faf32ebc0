// compile's part for `tls` objects: of what Weir connects to (upstreams, Redis) and of where it listens (listeners,
// control). Used by the files of these.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/tls/tls_client.h"
#include "snapshot/compile/context.h"

namespace weir::snapshot {

struct ClientTls {
  io::TlsClientSettings settings;
  // Equal only if the settings and the contents of their files are: a renewed certificate must reach new connections.
  std::string key;
};

// What `tls` (server_name, ca_file, verify, cert_file, key_file) says. Its files are watched from now on. nullopt: a
// problem was reported.
std::optional<ClientTls> client_tls(CompileContext& context, const Fields& tls);

// nullptr: a problem was reported. Tens of milliseconds and a megabyte when the system's authorities are trusted.
std::shared_ptr<const io::TlsClientContext> make_client_tls(CompileContext& context, const Fields& tls,
                                                            const ClientTls& settings);

// What `tls` (certificates, min_version, client_ca_file, …) of a listener says; nullptr: a problem was reported.
std::shared_ptr<const io::TlsServerContext> server_tls(CompileContext& context, const Fields& tls);

}  // namespace weir::snapshot
