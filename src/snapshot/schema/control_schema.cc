#include "snapshot/schema/control_schema.h"

#include "snapshot/schema/formats.h"

namespace weir::snapshot {
namespace {

using schema::field;

Schema file_name() { return schema::string().min_length(1).named("file name"); }

}  // namespace

bool is_public_key(std::string_view text, std::string& why) {
  if (text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos) return true;
  why = "expected 64 hex digits: what `weir control --public-key` prints";
  return false;
}

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

}  // namespace weir::snapshot
