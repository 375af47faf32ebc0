// The copy of the API keys in Redis that a gateway keeps on its own disk, so that one that starts while Redis is away
// still knows them: records with hashes, never a secret, sealed with a MAC under the pepper, so that a file that was
// changed is no file. Blocking: called by io/offload.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "crypto/digest.h"
#include "identity/key_record.h"

namespace weir::app {

// One whole copy is there whatever happens, also when a successor of this process writes it too: its folder is locked
// meanwhile. Empty: done; else what failed.
std::string write_key_copy(const std::string& file, const std::vector<identity::KeyRecord>& records,
                           const crypto::Mac& pepper);

// The error is a sentence.
std::expected<std::vector<identity::KeyRecord>, std::string> read_key_copy(const std::string& file,
                                                                           const crypto::Mac& pepper);

}  // namespace weir::app
