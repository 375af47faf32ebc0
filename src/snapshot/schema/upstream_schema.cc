// An item of `upstreams` in a config file (document_schema.h): a named service, its addresses and how to reach them.
#include "snapshot/schema/document_schema.h"
#include "snapshot/schema/formats.h"

namespace weir::snapshot {

using namespace std::chrono_literals;
using schema::field;

namespace {

Schema target() {
  return schema::object({
      field("address", schema::string().named("target address").format(is_target_address))
          .required()
          .doc("host:port, ip:port or unix:/path. A host name is resolved again as its DNS record expires; all its "
               "addresses are used."),
      field("weight", schema::integer(1, 1000))
          .fallback(1)
          .doc("Share of the requests, relative to the other targets. 1: all alike."),
  });
}

Schema tls() {
  return schema::object({
      field("server_name", schema::string().named("host name").format(is_host))
          .doc("The name the certificate must be for, also sent as SNI and as Host. Without it, each target's host."),
      field("ca_file", schema::string().named("file name").min_length(1))
          .doc("PEM file: the only authorities trusted. Without it, those of the system."),
      field("verify", schema::boolean())
          .fallback(true)
          .doc("false accepts every certificate: only for a test. True, since TLS without it stops no one."),
      field("cert_file", schema::string().named("file name").min_length(1))
          .doc("PEM file: a certificate to present, if the service asks for one. Needs key_file."),
      field("key_file", schema::string().named("file name").min_length(1)).doc("PEM file: its private key."),
  });
}

}  // namespace

Schema upstream_schema(const Schema& plugin_chain) {
  return schema::object({
      field("name", schema::string().named("name").min_length(1).max_length(128).format(is_upstream_name))
          .required()
          .doc("Unique; what routes write as upstream_url: http://NAME. Also in the access log and the metrics."),
      field("targets", schema::array(target()).min_items(1))
          .required()
          .doc("Its addresses, taken in turn by weight."),
      field("tls", tls()).doc("Speak TLS to it; routes then write https://NAME. Without it, plain HTTP."),
      field("connect_timeout", schema::duration(1ms, 10min))
          .fallback("5s")
          .doc("To connect, TLS included. 5s survives two lost packets: the kernel sends them again after 1 and 3 "
               "seconds."),
      field("first_byte_timeout", schema::duration(1ms, 1h))
          .fallback("60s")
          .doc("From the end of the request to the response's head; later is 504. 60s, as nginx."),
      field("idle_timeout", schema::duration(1ms, 24h))
          .fallback("5m")
          .doc(
              "Between two pieces of a response, or of a WebSocket. 5m, Envoy's figure: event streams send a sign of "
              "life every 15 to 60 seconds."),
      field("keep_alive", schema::duration(0s, 1h))
          .fallback("4s")
          .doc("How long an unused connection is kept. 4s, since Node.js and Apache close theirs after 5: a request "
               "should not meet a connection just being closed. Raise it if the service keeps them longer. 0s: none "
               "is kept."),
      field("max_idle", schema::integer(0, 100'000))
          .fallback(128)
          .doc("Unused connections kept per target and worker. 128 is the listen queue of many small servers, and "
               "more requests at a time than one worker usually has with one target."),
      field("plugin_chain", plugin_chain)
          .doc("Filters of every route whose upstream_url names this upstream; a route's own of the same name "
               "replaces one of these: docs/filter-scopes.md."),
      tags_field(),
  });
}

}  // namespace weir::snapshot
