// The store of API keys as `weir key` sees it, whichever it is: a file (adapters/sqlite) or Redis (adapters/redis).
// Blocking, for the command line; the gateway has its feeds. Errors are sentences for a person.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "identity/key_record.h"

namespace weir::identity {

class KeyStore {
 public:
  virtual ~KeyStore() = default;

  virtual std::expected<std::vector<KeyRecord>, std::string> all() = 0;
  // The id must be new.
  virtual std::expected<void, std::string> add(const KeyRecord& record) = 0;
  // Reads the key, lets `change` change it and writes it back, as one step that no other writer comes between. An
  // error of `change` leaves the store as it was. Returns the record as written.
  using Change = std::function<std::expected<void, std::string>(KeyRecord&)>;
  virtual std::expected<KeyRecord, std::string> change(const std::string& id, const Change& change) = 0;
};

}  // namespace weir::identity
