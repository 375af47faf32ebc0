#include "filters/tokens/grant.h"

#include <algorithm>
#include <cstring>

namespace weir::filters {
namespace {

constexpr char kVersion = 'a';             // of the form: one that is read by other instances after an upgrade
constexpr std::size_t kLongestName = 512;  // twice the longest subject OpenID Connect allows (255)
constexpr std::size_t kLongestHeader = 1024;
constexpr std::size_t kMostListed = 256;
constexpr std::uint16_t kAbsent = 0xffff;

bool clean(std::string_view text) noexcept {
  return text.size() <= kLongestName && std::ranges::none_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

template <class T>
void put(std::string& out, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_(bytes) {}

  template <class T>
  T number() noexcept {
    T out{};
    if (rest_.size() < sizeof out) {
      failed_ = true;
      return out;
    }
    std::memcpy(&out, rest_.data(), sizeof out);
    rest_.remove_prefix(sizeof out);
    return out;
  }
  std::string_view text() noexcept {
    const auto size = number<std::uint16_t>();
    if (size == kAbsent) return {};
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  // Each text has its size before it.
  bool may_hold(std::size_t texts) noexcept {
    failed_ = failed_ || texts > rest_.size() / sizeof(std::uint16_t);
    return !failed_;
  }
  bool good() const noexcept { return !failed_; }
  bool ended() const noexcept { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::span<const std::string_view> texts(Reader& in, std::size_t count, Arena& arena) {
  if (count == 0 || !in.may_hold(count)) return {};
  auto* out = arena.array<std::string_view>(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = in.text();
  return {out, count};
}

// A name as a claim has it: a string, or a number (some providers number their users).
std::optional<std::string> name_of(const Json& claims, std::string_view claim) {
  const Json* found = jose::find_claim(claims, claim);
  if (found == nullptr) return std::nullopt;
  if (found->is_integer()) return std::to_string(found->as_integer());
  if (!found->is_string() || found->as_string().empty() || !clean(found->as_string())) return std::nullopt;
  return std::string(found->as_string());
}

// All of them or nothing: one that is left out might be one that is denied (attacks C2).
bool read_groups(const Json* claim, std::vector<std::string>& out) {
  if (claim == nullptr) return true;
  for (const std::string_view word : jose::words_of(*claim)) {
    if (!clean(word) || out.size() == kMostListed) return false;
    out.emplace_back(word);
  }
  return true;
}

// Scopes only ever allow: one that is left out allows nothing.
std::vector<std::string> list_of(const Json* claim) {
  std::vector<std::string> out;
  if (claim == nullptr) return out;
  for (const std::string_view word : jose::words_of(*claim))
    if (clean(word) && out.size() < kMostListed) out.emplace_back(word);
  return out;
}

}  // namespace

std::string Grant::encode() const {
  std::string out(1, kVersion);
  put(out, lifetime.not_before);
  put(out, lifetime.expires);
  put(out, issued_at);
  put(out, static_cast<std::uint16_t>(groups.size()));
  put(out, static_cast<std::uint16_t>(scopes.size()));
  put(out, static_cast<std::uint16_t>(headers.size()));
  for (const std::string* text : {&issuer, &subject, &token_id, &consumer, &custom_id, &user}) put_text(out, *text);
  for (const std::string& group : groups) put_text(out, group);
  for (const std::string& scope : scopes) put_text(out, scope);
  for (const auto& header : headers) header ? put_text(out, *header) : put(out, kAbsent);
  return out;
}

jose::Lifetime lifetime_of(std::string_view encoded) noexcept {
  Reader in(encoded);
  in.number<char>();
  jose::Lifetime out;
  out.not_before = in.number<double>();
  out.expires = in.number<double>();
  return out;
}

std::optional<GrantView> GrantView::read(std::string_view bytes, Arena& arena) {
  Reader in(bytes);
  if (in.number<char>() != kVersion) return std::nullopt;
  GrantView out;
  out.lifetime.not_before = in.number<double>();
  out.lifetime.expires = in.number<double>();
  out.issued_at = in.number<double>();
  const auto groups = in.number<std::uint16_t>();
  const auto scopes = in.number<std::uint16_t>();
  const auto headers = in.number<std::uint16_t>();
  if (!in.good()) return std::nullopt;
  for (std::string_view* text : {&out.issuer, &out.subject, &out.token_id, &out.consumer, &out.custom_id, &out.user})
    *text = in.text();
  out.groups = texts(in, groups, arena);
  out.scopes = texts(in, scopes, arena);
  out.headers = texts(in, headers, arena);
  if (!in.ended()) return std::nullopt;
  return out;
}

std::optional<Grant> Grant::decode(std::string_view bytes) {
  Arena arena;
  const auto view = GrantView::read(bytes, arena);
  if (!view) return std::nullopt;
  Grant out{.lifetime = view->lifetime,
            .issued_at = view->issued_at,
            .issuer = std::string(view->issuer),
            .subject = std::string(view->subject),
            .token_id = std::string(view->token_id),
            .consumer = std::string(view->consumer),
            .custom_id = std::string(view->custom_id),
            .user = std::string(view->user),
            .groups = {view->groups.begin(), view->groups.end()},
            .scopes = {view->scopes.begin(), view->scopes.end()},
            .headers = {}};
  for (const std::string_view header : view->headers) {
    auto& to = out.headers.emplace_back();
    if (header.data() != nullptr) to = std::string(header);
  }
  return out;
}

std::optional<std::string> header_value(const Json& claim) {
  if (claim.is_boolean()) return claim.as_boolean() ? "true" : "false";
  if (claim.is_number()) return to_canonical(claim);
  if (!claim.is_string()) return std::nullopt;
  const std::string_view text = claim.as_string();
  const bool good = text.size() <= kLongestHeader && !text.starts_with(' ') && !text.ends_with(' ') &&
                    std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  return good ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<Grant> read_grant(const Json& claims, const jose::Lifetime& lifetime, const GrantRules& rules) {
  Grant out;
  out.lifetime = lifetime;
  auto consumer = name_of(claims, rules.consumer_claim);
  if (!consumer) return std::nullopt;
  out.consumer = std::move(*consumer);
  out.issuer = claims.find("iss")->as_string();
  out.subject = name_of(claims, "sub").value_or("");
  out.token_id = name_of(claims, "jti").value_or("");
  out.user = name_of(claims, rules.user_claim).value_or("");
  if (const Json* issued = claims.find("iat"); issued != nullptr) out.issued_at = issued->as_number();
  if (!read_groups(rules.groups_claim.empty() ? nullptr : jose::find_claim(claims, rules.groups_claim), out.groups))
    return std::nullopt;
  for (const std::string& claim : rules.scope_claims) {
    const Json* found = jose::find_claim(claims, claim);
    if (found == nullptr) continue;
    out.scopes = list_of(found);
    break;
  }
  for (const std::string& claim : rules.header_claims) {
    const Json* found = jose::find_claim(claims, claim);
    out.headers.push_back(found != nullptr ? header_value(*found) : std::nullopt);
  }
  return out;
}

}  // namespace weir::filters
