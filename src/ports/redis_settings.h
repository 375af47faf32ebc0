// Which Redis to talk to and how: what compile() makes of the document's `redis:` and adapters/redis/ connects by.
// A plain value, immutable once in a snapshot; it holds the password in clear, so it is never logged or shown. Any
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/tls/tls_client.h"

namespace weir::ports {

struct RedisSettings {
  enum class Kind : std::uint8_t {
    standalone,  // places[0]
    sentinel,    // places are the sentinels; they say where `master_name` is
    cluster,     // places are some of the nodes; they say who has which slots
  };
  struct Place {
    std::string host;  // an IP address without brackets, or a name; empty: `socket`
    std::uint16_t port = 6379;
    std::string socket = {};  // a Unix socket's path

    bool operator==(const Place&) const = default;
  };

  Kind kind = Kind::standalone;
  std::vector<Place> places;  // never empty
  std::string master_name = {};
  std::string username = {};  // empty: the user "default"
  std::string password = {};  // empty: no AUTH
  std::string sentinel_username = {};
  std::string sentinel_password = {};
  int database = 0;
  std::string client_name = "weir";  // CLIENT SETNAME; what CLIENT LIST shows
  // 2 ms for a decision (issue 3): ten times a round trip within a data centre, and what a request may lose at most.
  std::chrono::milliseconds command_timeout{2};
  // Connect, TLS and AUTH together; it bounds how long a stopped server keeps an attempt, so it must stay well below
  // the 2 s in which its return is to be noticed.
  std::chrono::milliseconds connect_timeout{500};
  std::shared_ptr<const io::TlsClientContext> tls = {};  // nullptr: plain
  std::string tls_key = {};  // equal only if its settings and the contents of its files are

  // False: a running client has to be replaced.
  bool same_as(const RedisSettings& other) const {
    return kind == other.kind && places == other.places && master_name == other.master_name &&
           username == other.username && password == other.password && sentinel_username == other.sentinel_username &&
           sentinel_password == other.sentinel_password && database == other.database &&
           client_name == other.client_name && command_timeout == other.command_timeout &&
           connect_timeout == other.connect_timeout && tls_key == other.tls_key &&
           (tls != nullptr) == (other.tls != nullptr);
  }
};

}  // namespace weir::ports
