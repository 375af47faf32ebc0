// The sections `control` and `control_plane`: what goes with what, which keys there must be, and where they are.
#include "snapshot/compile/context.h"
#include "snapshot/compile/tls.h"
#include "snapshot/document.h"
#include "snapshot/parts.h"
#include "snapshot/schema/control_schema.h"

namespace weir::snapshot {
namespace {

// Of the key that secrets are sealed with: as long as the hash it is used with (RFC 2104 §3).
constexpr std::size_t kShortestKey = 32;

bool is_postgres(std::string_view database) {
  return database.starts_with("postgres://") || database.starts_with("postgresql://");
}

// Empty: none is named, or a problem was reported.
std::string master_key(CompileContext& context, const Fields& fields) {
  if (!fields.has("master_key_env") && !fields.has("master_key_file")) return {};
  auto key = context.read_secret(fields, "master_key");
  if (!key) {
    context.report(std::move(key.error()));
    return {};
  }
  if (key->size() >= kShortestKey) return std::move(*key);
  context.report(fields.problem(fields.has("master_key_env") ? "master_key_env" : "master_key_file",
                                "holds fewer than 32 characters", "`openssl rand -hex 32` makes a key"));
  return {};
}

void compile_control_plane(CompileContext& context) {
  const Fields fields = context.document.object("control_plane");
  ControlPlaneSettings out;
  out.instance_id = fields.string("instance_id");
  std::string key(fields.string("public_key"));
  if (fields.has("public_key") == fields.has("public_key_file")) {
    context.report({fields.json().position, fields.path(), "needs one of public_key and public_key_file",
                    "`weir control --public-key` prints it"});
  } else if (fields.has("public_key_file")) {
    auto text = context.read_file(fields.string("public_key_file"));
    std::string why;
    if (!text) return context.report(fields.problem("public_key_file", text.error()));
    while (text->ends_with('\n') || text->ends_with('\r') || text->ends_with(' ')) text->pop_back();
    if (!is_public_key(*text, why)) return context.report(fields.problem("public_key_file", why));
    key = std::move(*text);
  }
  for (const char letter : key)
    out.public_key += letter < 'A' || letter > 'F' ? letter : static_cast<char>(letter + 32);
  out.master_key = master_key(context, fields);
  if (!context.document.has("redis"))
    context.report(
        {fields.json().position, fields.path(), "needs `redis` of the file, over which revisions come", ""});
  if (context.out.state_dir.empty())
    context.report({fields.json().position, fields.path(),
                    "needs `state_dir`, where the last good revisions are kept",
                    "then a restart needs neither Redis nor the control plane"});
  if (context.document.has("control"))
    context.report({fields.json().position, fields.path(), "stands beside `control`",
                    "`control` serves its own revisions; a gateway that follows another's has only control_plane"});
  if (!context.options.published) {
    for (const std::string_view part : kPublishedParts) {
      if (context.document.json().find(part) == nullptr) continue;
      context.report(context.document.problem(part, "comes from the control plane in a file with `control_plane`",
                                              "bring it there with `weir apply`, and take it out here"));
    }
  }
  context.out.control_plane = std::move(out);
}

// The URL or the file, from one of three fields.
bool set_database(CompileContext& context, const Fields& fields, ControlSettings& out) {
  const bool secret = fields.has("database_env") || fields.has("database_file");
  if (fields.has("database") == secret) {
    context.report({fields.json().position, fields.path(), "needs one of database, database_env and database_file",
                    "database: a file's name for SQLite, or postgres://user@host/name"});
    return false;
  }
  std::string text(fields.string("database"));
  if (secret) {
    auto read = context.read_secret(fields, "database");
    if (!read) {
      context.report(std::move(read.error()));
      return false;
    }
    text = std::move(*read);
  }
  out.postgres = is_postgres(text);
  if (!out.postgres && text.contains("://")) {
    context.report(fields.problem(fields.has("database")       ? "database"
                                  : fields.has("database_env") ? "database_env"
                                                               : "database_file",
                                  "is neither a file's name nor a postgres:// URL"));
    return false;
  }
  out.database = out.postgres ? text : resolve_file(context.options.base_dir, text);
  return true;
}

// Replicas share a Postgres, so their keys must be the same: none is made up beside the others.
void set_keys(CompileContext& context, const Fields& fields, ControlSettings& out) {
  if (fields.has("signing_key_file")) {
    out.signing_key_file = resolve_file(context.options.base_dir, fields.string("signing_key_file"));
  } else if (!out.postgres) {
    out.signing_key_file = out.database + ".signing_key";
  } else {
    context.report({fields.json().position, fields.path(), "needs signing_key_file",
                    "the same for every replica; it is made if it is missing"});
  }
  if (!fields.has("master_key_env") && !fields.has("master_key_file")) {
    if (out.postgres)
      context.report({fields.json().position, fields.path(), "needs master_key_env or master_key_file",
                      "the same for every replica; `openssl rand -hex 32` makes one"});
    out.master_key_file = out.database + ".master_key";
    return;
  }
  out.master_key = master_key(context, fields);
}

void compile_own_control(CompileContext& context) {
  const Fields fields = context.document.object("control");
  ControlSettings out;
  out.address = *SocketAddress::parse(fields.string("address"));
  if (fields.has("tls")) out.tls = server_tls(context, fields.object("tls"));
  if (!out.tls && !out.address.is_unix() && !out.address.ip().is_loopback())
    context.out.warnings.push_back(
        "control.address is no loopback address and there is no control.tls: operators' "
        "tokens cross the network in clear");
  if (set_database(context, fields, out)) set_keys(context, fields, out);
  out.allowed_hosts = fields.strings("allowed_hosts");
  for (const auto& [rule, severity, at] : fields.members("lint"))
    out.lint.emplace_back(rule, std::string(severity.as_string()));
  out.probe_upstreams = fields.boolean("probe_upstreams");
  out.shrink_guard = static_cast<int>(fields.integer("shrink_guard"));
  context.out.control = std::move(out);
}

}  // namespace

void compile_control(CompileContext& context) {
  if (context.document.has("control_plane")) compile_control_plane(context);
  if (context.document.has("control")) compile_own_control(context);
}

}  // namespace weir::snapshot
