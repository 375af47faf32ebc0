// Where a config keeps its API keys and its revoked tokens, for the commands that work on them and need nothing else
// of the config: certificates that only the gateway may read do not keep anybody from listing keys. Reads the pepper,
// if the config names one.
#pragma once

#include "snapshot/compile/compile.h"

namespace weir::snapshot {

struct StoreSettings {
  CredentialSettings credentials;                     // Store::none: the config has no `credentials`
  std::string revoked_file;                           // of `tokens.revoked`; empty: none
  bool revoked_in_redis = false;                      // of `tokens.revoked`
  std::shared_ptr<const ports::RedisSettings> redis;  // where one of these is there
};

// The problems are those of the whole document's form, of `credentials`, or of `redis`.
std::expected<StoreSettings, Problems> credential_settings(const Json& document, const CompileOptions& options);

}  // namespace weir::snapshot
