// The `redis` of a config file (document_schema.h): where shared limits, keys and revisions live.
#include "snapshot/schema/document_schema.h"
#include "snapshot/schema/formats.h"
#include "snapshot/schema/redis_url.h"

namespace weir::snapshot {

using namespace std::chrono_literals;
using schema::field;

namespace {

Schema addresses(Literal what) {
  return schema::array(schema::string().named(what).format(is_target_address)).min_items(1).unique();
}

Schema variable() { return schema::string().named("environment variable").min_length(1); }
Schema file() { return schema::string().named("file name").min_length(1); }

Schema sentinel() {
  return schema::object({
      field("master", schema::string().named("name").min_length(1))
          .required()
          .doc("The name under which the sentinels watch the master."),
      field("addresses", addresses("sentinel address"))
          .required()
          .doc("host:port of the sentinels; any of them can tell where the master is."),
      field("username", schema::string().min_length(1)).doc("The ACL user of the sentinels, if they have one."),
      field("password_env", variable()).doc("The environment variable that holds the sentinels' password."),
      field("password_file", file()).doc("The file that holds the sentinels' password."),
  });
}

Schema cluster() {
  return schema::object({
      field("addresses", addresses("node address"))
          .required()
          .doc("host:port of some nodes; they tell of the others."),
  });
}

Schema tls() {
  return schema::object({
      field("server_name", schema::string().named("host name").format(is_host))
          .doc(
              "The name the certificates must be for, also sent as SNI. Without it, each server's host; the nodes of "
              "a cluster are known by address, so they mostly need it."),
      field("ca_file", file()).doc("PEM file: the only authorities trusted. Without it, those of the system."),
      field("verify", schema::boolean())
          .fallback(true)
          .doc("false accepts every certificate: only for a test. True, since TLS without it stops no one."),
      field("cert_file", file()).doc("PEM file: a certificate to present, if Redis asks for one. Needs key_file."),
      field("key_file", file()).doc("PEM file: its private key."),
  });
}

}  // namespace

Schema redis_schema() {
  return schema::object({
      field("url", schema::string().named("Redis URL").format(is_redis_url))
          .doc("One server: redis://host:port, rediss://host:port (TLS) or unix:/path. One of url, sentinel and "
               "cluster is needed."),
      field("sentinel", sentinel()).doc("A master that sentinels watch and replace when it fails."),
      field("cluster", cluster()).doc("A Redis Cluster."),
      field("username", schema::string().min_length(1)).doc("The ACL user. Without it, the user \"default\"."),
      field("password_env", variable()).doc("The environment variable that holds the password."),
      field("password_file", file())
          .doc(
              "The file that holds the password, read again on every reload. The password itself is never written in "
              "the config, which is shown and stored."),
      field("database", schema::integer(0, 16'383))
          .fallback(0)
          .doc("SELECT this one. 0, Redis' own default and the only one a cluster has."),
      field("tls", tls()).doc("Speak TLS. Not needed with rediss:// and a certificate of a known authority."),
      field("command_timeout", schema::duration(1ms, 10s))
          .fallback("2ms")
          .doc("What one decision may wait for Redis before it is made without it. 2ms is ten times a round trip "
               "within a data centre, and all that a Redis in trouble adds to a request; after five such in a row "
               "nothing is asked until Redis answers in time again."),
      field("connect_timeout", schema::duration(10ms, 10s))
          .fallback("500ms")
          .doc("To connect, TLS and login included; no request waits for it. 500ms, so that two attempts fit the 2s "
               "within which a return is noticed."),
  });
}

}  // namespace weir::snapshot
