// compile's part for what is neither listener nor route: limits, log, trusted proxies, workers, resolver.
#include "snapshot/compile/context.h"
#include "snapshot/document.h"

namespace weir::snapshot {
namespace {

http::Limits limits_of(const Fields& fields) {
  http::Limits out;
  out.head.bytes = static_cast<std::size_t>(fields.size("max_head_bytes"));
  out.head.target_bytes = static_cast<std::size_t>(fields.size("max_target_bytes"));
  out.head.fields = static_cast<std::size_t>(fields.integer("max_header_fields"));
  out.body_bytes = static_cast<std::uint64_t>(fields.size("max_body_bytes"));
  out.head_timeout = fields.duration("head_timeout");
  out.idle_timeout = fields.duration("idle_timeout");
  out.min_body_rate = static_cast<std::uint64_t>(fields.size("min_body_rate"));
  out.body_grace = fields.duration("body_grace");
  out.write_stall = fields.duration("write_timeout");
  out.tls_handshake_timeout = fields.duration("tls_handshake_timeout");
  out.requests_per_connection = static_cast<std::uint32_t>(fields.integer("max_requests_per_connection"));
  out.connections = static_cast<std::uint32_t>(fields.integer("max_connections"));
  return out;
}

}  // namespace

void compile_settings(CompileContext& context) {
  const Fields& document = context.document;
  Snapshot& out = context.out;
  const Fields limits = document.object("limits");
  out.limits = limits_of(limits);
  if (out.limits.head.target_bytes > out.limits.head.bytes) {
    // A default must not make a smaller head wrong.
    out.limits.head.target_bytes = out.limits.head.bytes;
    if (limits.has("max_target_bytes"))
      context.report(
          limits.problem("max_target_bytes", "is more than max_head_bytes, of which the target is a part"));
  }
  std::vector<Cidr> trusted;
  for (const std::string& text : document.strings("trusted_proxies")) trusted.push_back(*Cidr::parse(text));
  out.trusted_proxies = CidrSet(trusted);
  out.workers = static_cast<int>(document.integer("workers"));
  out.drain_timeout = document.duration("drain_timeout");
  out.resolver_servers = document.object("resolver").strings("servers");

  if (const std::string_view dir = document.string("state_dir"); !dir.empty())
    out.state_dir = resolve_file(context.options.base_dir, dir);

  const Fields log = document.object("access_log");
  if (log.boolean("enabled")) {
    const std::string_view path = log.string("path");
    out.access_log_path = path == "-" ? "-" : resolve_file(context.options.base_dir, path);
  }
}

}  // namespace weir::snapshot
