// What the sections `control` (this process is, or holds, the control plane) and `control_plane` (this gateway
// follows one) say, checked. Made by compile(); for app/, which starts things by them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace weir::io {
class TlsServerContext;
}

namespace weir::snapshot {

// `control_plane`: revisions come over the file's `redis` and are kept below its `state_dir`.
struct ControlPlaneSettings {
  std::string public_key;   // 64 lower-case hex digits: Ed25519, of the control plane's signing key
  std::string instance_id;  // empty: the name of the host and a number that is kept in state_dir
  std::string master_key;   // opens the secrets of a revision; empty: none
};

// `control`: the store, the keys, and where operators are answered.
struct ControlSettings {
  SocketAddress address;
  std::shared_ptr<const io::TlsServerContext> tls;  // nullptr: plain HTTP
  bool postgres = false;
  std::string database;  // a postgres:// URL (may hold a password: never shown), or SQLite's file
  std::string signing_key_file;
  std::string master_key;       // empty: it is in master_key_file, which is made if it is missing
  std::string master_key_file;  // only if `master_key` is empty
  std::vector<std::string> allowed_hosts;
  std::vector<std::pair<std::string, std::string>> lint;  // rule and severity word
  bool probe_upstreams = false;
  int shrink_guard = 50;  // percent
};

}  // namespace weir::snapshot
