// `weir key`, `weir hash-password` and `weir seal`: what the command line may ask of them. key.cc runs them;
// key_text.cc words what people read.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "app/commands/commands.h"
#include "identity/key_record.h"

namespace weir::app {

struct KeyOptions {
  enum class Action : std::uint8_t { create, list, rotate, disable, enable, revoke };
  Action action = Action::list;
  std::string config;  // empty: ./weir.yaml
  bool json = false;
  bool quiet = false;    // of create and rotate: print the key and nothing else
  std::string id;        // of rotate, disable, enable and revoke
  std::string consumer;  // of create; of list: only this one's
  std::string custom_id;
  std::vector<std::string> scopes;
  std::vector<std::string> groups;
  std::string expires;        // a duration; empty: never
  std::string grace = "24h";  // of rotate: how long the secret before works on
};
int key(const KeyOptions& options, pipeline::FilterTable filters);

struct HashPasswordOptions {};
int hash_password(const HashPasswordOptions& options);

struct SealOptions {
  std::string secret;       // whose text it becomes: the name of a secret ...
  std::string certificate;  // ... or of a certificate
  std::string master_key_file;
  std::string master_key_env;
};
int seal(const SealOptions& options);

// What `list` prints, a line for each key under a head; `now` in seconds.
std::string key_list(const std::vector<identity::KeyRecord>& records, std::int64_t now);
// Seconds since the epoch as 2026-02-28T23:59:59Z; 0: "never".
std::string time_text(std::int64_t seconds);
// One key for programs: never a hash.
Json key_json(const identity::KeyRecord& record, std::int64_t now);

}  // namespace weir::app
