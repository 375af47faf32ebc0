#include "jose/token.h"

#include "jose/base64url.h"

namespace weir::jose {
namespace {

std::unexpected<Error> no(std::string_view why) { return fail(Reason::invalid_credential, why); }

struct Parts {
  std::string_view header, payload, signature;
};

bool split(std::string_view text, Parts& out) {
  const std::size_t first = text.find('.');
  if (first == std::string_view::npos) return false;
  const std::size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos) return false;
  if (text.find('.', second + 1) != std::string_view::npos) return false;
  out = {text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
  return true;
}

// Members that ask for something Weir does not do, so that going on without them would be wrong.
struct Refused {
  std::string_view name, why;
};
constexpr std::array<Refused, 11> kRefused{{
    {"crit", "the token's header has crit"},
    {"b64", "the token's header has b64"},
    {"jwk", "the token's header brings its own key"},
    {"jku", "the token's header brings its own keys' address"},
    {"x5u", "the token's header brings its own certificate's address"},
    {"x5c", "the token's header brings its own certificate"},
    {"enc", "the token is encrypted"},
    {"zip", "the token is compressed"},
    {"epk", "the token is encrypted"},
    {"p2c", "the token is encrypted by a password"},
    {"p2s", "the token is encrypted by a password"},
}};

Result<void> read_header(const Json& header, Token& out) {
  for (const Json::Member& member : header.members()) {
    const auto refused = std::ranges::find(kRefused, member.name, &Refused::name);
    if (refused != kRefused.end()) return no(refused->why);
    std::string* to = member.name == "kid" ? &out.kid : member.name == "typ" ? &out.type : nullptr;
    if (to == nullptr) continue;
    if (!member.value.is_string()) return no("a member of the token's header is no string");
    *to = member.value.as_string();
    if (to == &out.kid && to->empty()) return no("the token's kid is empty");
  }
  const Json* name = header.find("alg");
  if (name == nullptr) return no("the token's header has no alg");
  const auto algorithm = algorithm_of(name->as_string());
  if (!algorithm) return no("the token's alg is none that is accepted");
  out.algorithm = *algorithm;
  return {};
}

}  // namespace

Result<Token> parse_token(std::string_view text) {
  if (text.size() > kLongestToken) return no("the token is too long");
  Parts parts;
  if (!split(text, parts)) return no("the token is not three parts with a dot between");
  const auto header_text = decode_base64url(parts.header);
  auto payload = decode_base64url(parts.payload);
  auto signature = decode_base64url(parts.signature);
  if (!header_text || !payload || !signature) return no("a part of the token is no base64url");
  if (signature->empty()) return no("the token has no signature");
  const auto header = parse_json(*header_text);
  if (!header || !header->is_object()) return no("the token's header is no JSON object, or has a member twice");
  Token out;
  if (auto read = read_header(*header, out); !read) return std::unexpected(read.error());
  out.signing_input = text.substr(0, parts.header.size() + 1 + parts.payload.size());
  out.payload = std::move(*payload);
  out.signature = std::move(*signature);
  return out;
}

Verified verify(const Token& token, const KeySet& set) noexcept {
  const KeySet::Candidates found = set.find(token.kid, token.algorithm);
  if (found.found == KeySet::Found::unknown_kid) return Verified::unknown_key;
  if (found.found == KeySet::Found::other_algorithm) return Verified::wrong_algorithm;
  for (std::size_t i = 0; i < found.count; ++i)
    if (found.keys[i]->verify(token.algorithm, token.signing_input, token.signature)) return Verified::good;
  return Verified::bad_signature;
}

std::string_view text(Verified verified) noexcept {
  switch (verified) {
    case Verified::bad_signature:
      return "the token's signature does not hold";
    case Verified::wrong_algorithm:
      return "the token's alg is not that of its key";
    case Verified::unknown_key:
      return "the token names a key that its issuer does not have";
    default:
      return {};
  }
}

Result<Json> read_claims(const Token& token) {
  auto claims = parse_json(token.payload);
  if (!claims || !claims->is_object()) return no("the token's claims are no JSON object, or have a member twice");
  return std::move(*claims);
}

}  // namespace weir::jose
