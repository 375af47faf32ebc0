#include "snapshot/schema/document_schema.h"

#include "snapshot/schema/control_schema.h"
#include "snapshot/schema/formats.h"

namespace weir::snapshot {
namespace {

using namespace std::chrono_literals;
using schema::field;

Schema cidrs() { return schema::array(schema::string().named("address block").format(is_cidr)); }

Schema tls() {
  return schema::object({
      field("certificates", listener_certificates_schema())
          .required()
          .doc("Chosen by the name the client asks for (SNI); the first is for clients that ask for none, or for one "
               "no certificate has. Files, {name: NAME} of one of the config's `certificates`, or the word all, for "
               "all of those. Files are read again on every reload."),
      field("min_version", schema::string().named("TLS version").words({"1.2", "1.3"}))
          .fallback("1.2")
          .doc("Oldest protocol version spoken. 1.2, because 1.0 and 1.1 are deprecated (RFC 8996) and clients "
               "without 1.3 still exist."),
      field("client_ca_file", schema::string().min_length(1).named("file name"))
          .doc("PEM file of the authorities whose client certificates are good here: clients are asked for one. Who "
               "calls is then the filter mtls's to say. Read again on every reload."),
      field("client_auth", schema::string().words({"optional", "required"}))
          .doc("required (if there is a client_ca_file): no connection without a certificate that holds. optional: "
               "also without, but one that is shown must hold."),
      field("client_verify_depth", schema::integer(0, 10))
          .fallback(3)
          .doc("How many intermediates may stand between a client's certificate and an authority. Long chains are "
               "work that a client gives the server; real ones have one or two."),
  });
}

Schema proxy_protocol() {
  return schema::object({
      field("trusted", cidrs().min_items(1))
          .required()
          .doc("Every connection of this listener must come from here and begin with a PROXY header (v1 or v2); "
               "others are closed. No default: who may say where a client comes from is yours to decide. Of a Unix "
               "socket its file's permissions decide instead."),
  });
}

Schema admin() {
  return schema::object({
      field("address", schema::string().named("address").format(is_socket_address))
          .required()
          .doc("Where /livez, /readyz, /startupz and /metrics are answered. Keep it off the public network."),
  });
}

Schema access_log() {
  return schema::object({
      field("path", schema::string().named("file name").min_length(1))
          .fallback("-")
          .doc(
              "The file the log is appended to, made if it is missing; \"-\" is standard output, the default because "
              "containers and systemd collect it there."),
      field("enabled", schema::boolean())
          .fallback(true)
          .doc("false writes no access log at all. On by default: a request nobody can find again is a mystery."),
  });
}

Schema resolver() {
  return schema::object({
      field("servers", schema::array(schema::string().named("DNS server").format(is_resolver_address)).min_items(1))
          .doc("DNS servers asked for the host names of targets: ip or ip:port. Without it, those of "
               "/etc/resolv.conf."),
  });
}

}  // namespace

Field tags_field() {
  // 32 of 64 bytes: as Docker and AWS allow, and nobody has been seen to need more.
  return field("tags", schema::array(schema::string().named("tag").min_length(1).max_length(64).format(is_id))
                           .unique()
                           .max_items(32))
      .doc(
          "Words to find it by and to say whose it is (team:payments). For people and the control plane; Weir does "
          "nothing by them.");
}

const Schema& listener_schema() {
  static const Schema kListener = schema::object({
      field("address", schema::string().named("address").format(is_socket_address))
          .required()
          .doc("IP and port (127.0.0.1:8080, [::]:80) or unix:/path. Port 0 lets the kernel choose."),
      field("tls", tls()).doc("Speak TLS here. Without it, plain HTTP."),
      field("proxy_protocol", proxy_protocol()).doc("Take the client's address from the load balancer in front."),
  });
  return kListener;
}

Schema document_schema(pipeline::FilterTable filters) {
  const Schema plugin_chain = plugin_chain_schema(filters);
  return schema::object({
      field("listeners", schema::array(listener_schema()).min_items(1))
          .doc("Where clients connect. Required, but in the file of `weir control`."),
      field("admin", admin()).doc("Health and metrics. Without it there are none."),
      field("upstreams", schema::array(upstream_schema(plugin_chain)))
          .doc("Named services, for upstream_url: http://NAME."),
      // At least one: an emptied file is far more often an accident than a wish (features.md, complaint 24).
      field("routes", schema::array(route_schema(plugin_chain)).min_items(1))
          .doc("Which request goes where. Their order does not matter: see docs/routing.md. Required, unless they "
               "come from a control plane."),
      field("plugin_chain", plugin_chain)
          .doc("Filters of every request. A route's own filter of the same name replaces one of these."),
      field("consumers", schema::array(consumer_schema(plugin_chain)))
          .doc("Who may call, and the credentials of each that are not API keys: see docs/identity.md."),
      field("groups", groups_schema(plugin_chain))
          .doc("The groups there are: names, or {name, tags, plugin_chain}. If it is given, a consumer in any other "
               "is refused as a slip."),
      field("certificates", certificates_schema()).doc("Certificates by name, for listeners: see docs/tls.md."),
      field("secrets", secrets_schema()).doc("Secrets by name, sealed, for secret_name: NAME. See docs/secrets.md."),
      field("master_key_env", schema::string().min_length(1).named("environment variable"))
          .doc("The environment variable with the key that `secrets` and keys of `certificates` were sealed by. In a "
               "file with `control_plane` or `control` it stands there."),
      field("master_key_file", schema::string().min_length(1).named("file name")).doc("Or the file that holds it."),
      field("credentials", credentials_schema())
          .doc("Where API keys are kept; without it the filter api_key knows nobody."),
      field("tokens", tokens_schema()).doc("What all filters jwt have in common: see docs/filters/jwt.md."),
      field("redis", redis_schema())
          .doc("The Redis that instances share: limits, API keys. Weir serves without it too, only less exactly."),
      field("access_log", access_log()).doc("One JSON line per request."),
      field("trusted_proxies", cidrs())
          .doc("Proxies in front of Weir whose Forwarded, X-Forwarded-* and X-Request-Id fields are believed. Nobody "
               "by default: anyone can send such a field."),
      field("state_dir", schema::string().named("folder name").min_length(1))
          .doc("A folder for what must survive a restart: quotas that are counted here (mode local), how many "
               "instances there were, and which tokens Redis said are revoked. Made if it is missing. Without it, "
               "nothing is written."),
      field("limits", limits_schema()).doc("How much a client may take, and for how long."),
      field("control_plane", control_plane_schema())
          .doc(
              "Routes, upstreams, consumers, … come from a control plane: see docs/control-plane.md. Needs redis and "
              "state_dir."),
      field("control", control_schema(tls()))
          .doc("The admin API, its database and the keys it signs with: see docs/control-plane.md. In the file of "
               "`weir serve` the control plane runs in the same process."),
      field("workers", schema::integer(0, 256))
          .fallback(0)
          .doc("Threads that serve. 0: one for each core Weir may use, since a worker never waits for another."),
      field("drain_timeout", schema::duration(0s, 1h))
          .fallback("25s")
          .doc("On SIGTERM, how long requests in flight may take to end. 25s, because Kubernetes kills after 30s and "
               "the log must still be written."),
      field("resolver", resolver()).doc("Name resolution of targets."),
  });
}

Schema file_schema(pipeline::FilterTable filters, const Json& document) {
  Schema out = document_schema(filters);
  const bool control = document.find("control") != nullptr;
  for (Field& each : out.fields) {
    if (each.name == "listeners") each.is_required = !control;
    if (each.name == "routes") each.is_required = !control && document.find("control_plane") == nullptr;
  }
  return out;
}

}  // namespace weir::snapshot
