#include "snapshot/control_schema.h"

#include "snapshot/compile_context.h"
#include "snapshot/compile_tls.h"
#include "snapshot/document.h"
#include "snapshot/formats.h"
#include "snapshot/parts.h"

namespace weir::snapshot {
namespace {

using schema::field;

// Of the key that secrets are sealed with: as long as the hash it is used with (RFC 2104 §3).
constexpr std::size_t kShortestKey = 32;

bool is_public_key(std::string_view text, std::string& why) {
  if (text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos) return true;
  why = "expected 64 hex digits: what `weir control --public-key` prints";
  return false;
}

Schema file_name() { return schema::string().min_length(1).named("file name"); }

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

Schema control_plane_schema() {
  return schema::object({
      field("public_key", schema::string().named("public key").format(is_public_key))
          .doc("What revisions are signed with, as `weir control --public-key` prints it. Others are refused."),
      field("public_key_file", file_name()).doc("Or a file that holds it."),
      field("instance_id", schema::string().min_length(1).max_length(128).format(is_id))
          .doc("What this gateway is called in /v1/instances. Without it, the host's name and a number that is kept "
               "in state_dir."),
      field("master_key_env", schema::string().min_length(1))
          .doc("The environment variable with the control plane's master key: needed where listeners or filters use "
               "its certificates or secrets, which travel sealed."),
      field("master_key_file", file_name()).doc("Or the file that holds it."),
  });
}

Schema control_schema(const Schema& tls) {
  return schema::object({
      field("address", schema::string().named("address").format(is_socket_address))
          .fallback("127.0.0.1:9081")
          .doc("Where the admin API is answered. The loopback address by default: who reaches it and has a token "
               "changes everything."),
      field("tls", tls).doc("Speak TLS there. With client_ca_file, operators need a certificate too."),
      field("database", schema::string().min_length(1))
          .doc("A file for SQLite (one machine), or postgres://user@host/name (several). Made if it is missing."),
      field("database_env", schema::string().min_length(1))
          .doc("Or the environment variable that holds it: for a URL with a password."),
      field("database_file", file_name()).doc("Or a file that holds it."),
      field("signing_key_file", file_name())
          .doc(
              "PEM file of the Ed25519 key that signs revisions, made if it is missing. Without it, beside an SQLite "
              "database. Gateways must know its public half."),
      field("master_key_env", schema::string().min_length(1))
          .doc("The environment variable with what secrets are sealed by in the database, 32 characters at least."),
      field("master_key_file", file_name())
          .doc("Or the file that holds it. Without either, one is made beside an SQLite database."),
      field("allowed_hosts", schema::array(schema::string().named("host").format(is_host)))
          .doc("Names operators may reach the API by, besides localhost and addresses of the loopback: against pages "
               "that make a browser ask it (DNS rebinding)."),
      field("lint", schema::map(schema::string().words({"ignore", "warn", "block"})))
          .doc("How bad each finding of publish is, by its rule: see docs/control-plane.md."),
      field("probe_upstreams", schema::boolean())
          .fallback(false)
          .doc("Before publishing, see whether a target of each new upstream takes a connection. Off, because the "
               "control plane is often not where upstreams can be reached."),
      field("shrink_guard", schema::integer(0, 100))
          .fallback(50)
          .doc("Publishing a revision that removes more than this percentage of all objects needs `force`. A half: "
               "more is far more often a wrong folder than a wish. 100: never."),
  });
}

void compile_control(CompileContext& context) {
  if (context.document.has("control_plane")) compile_control_plane(context);
  if (context.document.has("control")) compile_own_control(context);
}

}  // namespace weir::snapshot
