// The settings of the filter jwt: its schema, and what make() reads from a config. Cold; jwt.cc is the way of a
// request.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/digest.h"
#include "filters/config/config.h"
#include "filters/tokens/jwt_issuer.h"
#include "filters/tokens/presented_token.h"
#include "identity/consumer_book.h"
#include "jose/token.h"

namespace weir::filters {

struct JwtSettings {
  std::vector<JwtIssuer> issuers;
  std::string realm;
  TokenPlaces places;
  std::vector<FieldRef> claim_headers;
  bool forward = false;
  bool shared_cache = true;
  const identity::ConsumerBook* consumers = nullptr;
  crypto::Digest config{};  // of the settings: the same on every instance that has them
  std::uint64_t mark = 0;   // of the settings and the consumers, in this process
};

const Schema& jwt_schema();
// `config` has passed the schema.
std::expected<JwtSettings, Problems> read_jwt_settings(const Json& config, pipeline::MakeContext& context);

inline std::string_view view(const crypto::Digest& digest) noexcept {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace weir::filters
