#include "control/operators/operators.h"

#include <algorithm>
#include <array>

#include "control/operators/developer.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

namespace weir::control {
namespace {

constexpr std::string_view kTokenBegin = "weirop_";
constexpr std::size_t kIdDigits = 12;
constexpr std::size_t kSecretDigits = 43;

// The one table of what a role may do. Rows are actions, columns roles: viewer, developer, platform, auditor.
struct Row {
  Action action;
  std::array<Reach, 4> reach;
};
constexpr Reach no = Reach::no, team = Reach::own_team, yes = Reach::yes;
constexpr std::array<Row, 8> kTable = {{
    {Action::read, {yes, yes, yes, yes}},
    {Action::write, {no, team, yes, no}},
    {Action::publish, {no, yes, yes, no}},
    {Action::rollback, {no, no, yes, no}},
    {Action::manage_keys, {no, team, yes, no}},
    {Action::read_operators, {no, no, yes, yes}},
    {Action::manage_operators, {no, no, yes, no}},
    {Action::read_audit, {no, no, yes, yes}},
}};

// What is everybody's, or secret, is the platform's.
bool is_of_the_platform(Kind kind) noexcept {
  return kind == Kind::policy || kind == Kind::certificate || kind == Kind::secret;
}

constexpr std::string_view kTeamTag = "team:";

std::string teams_of(const Operator& who) {
  std::string out;
  for (const std::string& one : who.teams) out += (out.empty() ? "team:" : ", team:") + one;
  return out;
}

}  // namespace

Reach reach(Role role, Action action, Kind kind) noexcept {
  const auto row = std::ranges::find(kTable, action, &Row::action);
  const Reach out = row->reach[static_cast<std::size_t>(role)];
  return action == Action::write && out == Reach::own_team && is_of_the_platform(kind) ? Reach::no : out;
}

bool may(const Operator& who, Action action, Kind kind) noexcept {
  return !who.disabled && reach(who.role, action, kind) != Reach::no;
}

bool is_of_a_team(const Operator& who, const Json& body) noexcept {
  const Json* tags = body.find("tags");
  return tags != nullptr && std::ranges::any_of(tags->items(), [&](const Json& tag) {
           std::string_view text = tag.as_string();
           if (!text.starts_with(kTeamTag)) return false;
           text.remove_prefix(kTeamTag.size());
           return std::ranges::find(who.teams, text) != who.teams.end();
         });
}

std::optional<std::string> refuse_write(const Operator& who, Kind kind, std::string_view name, const Json* before,
                                        const Json* after) {
  const std::string object = std::string(word(kind)) + " \"" + std::string(name) + "\"";
  const std::string role = "the role " + std::string(word(who.role));
  if (who.disabled) return "this operator is disabled";
  const Reach allowed = reach(who.role, Action::write, kind);
  if (allowed == Reach::no) return role + " may not change a " + std::string(word(kind));
  if (allowed == Reach::yes) return std::nullopt;
  if (who.teams.empty()) return role + " without a team may change nothing";
  if (before != nullptr && !is_of_a_team(who, *before))
    return object + " carries none of your tags (" + teams_of(who) + "): it is another team's";
  if (after != nullptr && !is_of_a_team(who, *after))
    return object + " must carry one of your tags (" + teams_of(who) + ")";
  return refuse_contents(kind, name, before, after);
}

bool may_write(const Operator& who, Kind kind, const Json& body) {
  return !refuse_write(who, kind, "", &body, &body);
}

std::optional<TokenText> parse_token(std::string_view text) noexcept {
  if (!text.starts_with(kTokenBegin)) return std::nullopt;
  text.remove_prefix(kTokenBegin.size());
  if (text.size() != kIdDigits + 1 + kSecretDigits || text[kIdDigits] != '_') return std::nullopt;
  const TokenText out{text.substr(0, kIdDigits), text.substr(kIdDigits + 1)};
  const auto is_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  if (!std::ranges::all_of(out.id, is_digit) || !std::ranges::all_of(out.secret, is_digit)) return std::nullopt;
  return out;
}

IssuedToken issue_token(std::int64_t now, std::int64_t expires) {
  std::string secret = crypto::random_base62(kSecretDigits);
  IssuedToken out;
  out.token.id = crypto::random_base62(kIdDigits);
  out.token.hash = crypto::sha256_hex(secret);
  out.token.created = now;
  out.token.expires = expires;
  out.text = std::string(kTokenBegin) + out.token.id + "_" + secret;
  crypto::wipe(secret);
  return out;
}

StoreResult<std::optional<Authenticated>> authenticate(StoreView& view, std::string_view token, std::int64_t now) {
  const auto text = parse_token(token);
  if (!text) return std::optional<Authenticated>();
  auto found = view.operator_by_token(text->id);
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found || (*found)->disabled) return std::optional<Authenticated>();
  const auto mine = std::ranges::find((*found)->tokens, text->id, &Operator::Token::id);
  crypto::Digest kept{};
  if (mine == (*found)->tokens.end() || !crypto::from_hex(mine->hash, kept)) return std::optional<Authenticated>();
  if (!crypto::equal_in_constant_time(kept, crypto::sha256(text->secret))) return std::optional<Authenticated>();
  if (mine->expires != 0 && mine->expires <= now) return std::optional<Authenticated>();
  const std::int64_t ends = mine->expires;
  return Authenticated{std::move(**found), std::string(text->id), ends};
}

}  // namespace weir::control
