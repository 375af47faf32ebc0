// fuzz: jose
// What comes from strangers: a token (the first line of the input) and a key set (the rest). Whatever they are, what
// is read of them holds its own invariants.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "jose/base64url.h"
#include "jose/claims.h"
#include "jose/token.h"

namespace {

using namespace weir;

void require(bool holds) {
  if (!holds) std::abort();
}

void try_token(std::string_view text, const jose::KeySet* keys) {
  const auto token = jose::parse_token(text);
  if (!token) return;
  require(!token->signature.empty() && text.starts_with(token->signing_input));
  const std::string input(token->signing_input);
  // One spelling only: what was read is what stood there.
  require(input.substr(input.find('.') + 1) == jose::encode_base64url(token->payload));
  if (keys != nullptr) {
    const jose::Verified verified = jose::verify(*token, *keys);
    require((verified == jose::Verified::good) == jose::text(verified).empty());
  }
  const auto claims = jose::read_claims(*token);
  if (!claims) return;
  jose::ClaimRules rules;
  rules.issuer = "https://id.test";
  rules.audiences = {"api"};
  rules.max_lifetime = 3600;
  rules.required = {{"/realm_access/roles", {"admin"}}, {"tenant", {}}};
  const auto checked = jose::check_claims(*claims, token->type, rules, 1'800'000'000);
  if (checked) require(checked->expires > 1'800'000'000 - 60 && checked->not_before <= 1'800'000'000 + 60);
  for (const Json::Member& member : claims->members()) {
    for (const std::string_view word : jose::words_of(member.value)) require(!word.empty());
    jose::find_claim(*claims, member.name);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view rest = input.substr(std::min(end + 1, input.size()));
  jose::KeyRules rules{.secrets = true};
  for (const auto one : {jose::Algorithm::hs256, jose::Algorithm::hs384, jose::Algorithm::hs512})
    rules.allowed.add(one);
  const auto keys = jose::KeySet::parse(rest, rules);
  if (keys) require((*keys)->size() <= jose::kMostKeys && (*keys)->skipped().size() <= jose::kMostKeys + 1);
  if (!keys) jose::KeySet::from_pem(rest, rules);
  try_token(input.substr(0, end), keys ? keys->get() : nullptr);
  if (const auto bytes = jose::decode_base64url(input)) require(jose::encode_base64url(*bytes) == input);
  return 0;
}
