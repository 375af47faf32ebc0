// One issuer of tokens as the config of the filter jwt has it: whose keys, which claims. Made by make(), part of the
// filter's instance: immutable, shared by all workers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json/fields.h"
#include "filters/tokens/grant.h"
#include "jose/claims.h"
#include "jose/key_set.h"
#include "pipeline/make_context.h"

namespace weir::filters {

struct JwtIssuer {
  jose::ClaimRules claims;
  GrantRules grant;
  std::vector<std::string> required_scopes;  // all of them
  std::shared_ptr<const jose::KeySet> keys;  // those in the config; nullptr: they are fetched
  std::uint64_t source = 0;                  // of fetched ones: KeySourceSpec::id
};

const Schema& jwt_issuer_schema();

// `fields` have passed the schema. Mistakes go to `problems`, with paths below the filter's config.
JwtIssuer read_jwt_issuer(const Fields& fields, pipeline::MakeContext& context, Problems& problems);

}  // namespace weir::filters
