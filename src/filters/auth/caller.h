// What the auth filters of this folder share: an identity made of a consumer of the config, and the words of their
// challenges. The exchange's thread.
#pragma once

#include <string>
#include <string_view>

#include "base/json/schema.h"
#include "identity/consumer_book.h"
#include "pipeline/exchange.h"

namespace weir::filters {

// `consumer` lives in the snapshot, `credential` as long as the exchange.
inline pipeline::Identity caller(pipeline::CredentialKind kind, const identity::Consumer& consumer,
                                 std::string_view credential) noexcept {
  pipeline::Identity out;
  out.kind = kind;
  out.consumer = consumer.name;
  out.custom_id = consumer.custom_id;
  out.credential = credential;
  out.groups = consumer.groups;
  return out;
}

// The credentials of Authorization under `scheme` (RFC 9110 §11.4), without white space around them; empty if there
// are none. `several`: there is more than one Authorization, so that another reader might see another caller.
struct AuthorizationField {
  std::string_view credentials;
  bool several = false;
};
AuthorizationField authorization(const http::Fields& fields, std::string_view scheme) noexcept;

// The field `realm` of an auth filter's config, and the challenge `Scheme realm="…"` that it goes into.
Field realm_field();
std::string challenge_text(std::string_view scheme, std::string_view realm, std::string_view rest = {});

}  // namespace weir::filters
