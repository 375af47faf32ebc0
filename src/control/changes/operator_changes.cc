#include "control/changes/operator_changes.h"

#include <algorithm>

#include "control/audit.h"
#include "snapshot/schema/formats.h"

namespace weir::control {
namespace {

// As long as other names of the config.
constexpr std::size_t kLongestName = 128;
// Nobody needs more at a time; without a limit one operator could fill the database.
constexpr std::size_t kMostTokens = 100;

Findings wrong(std::string_view name, std::string field, std::string message, std::string hint = {}) {
  return {{.rule = "invalid",
           .name = std::string(name),
           .field = std::move(field),
           .message = std::move(message),
           .hint = std::move(hint)}};
}

Agreed<void> check_name(std::string_view name, std::string_view field, std::string_view text) {
  std::string why;
  if (text.empty() || text.size() > kLongestName) why = "expected 1 to 128 characters";
  if (why.empty() && snapshot::is_id(text, why)) return {};
  return object_to(Objection::Kind::invalid, std::string(field) + ": " + why, wrong(name, std::string(field), why));
}

Agreed<void> take(const OperatorWish& wish, Operator& out) {
  if (wish.role) out.role = *wish.role;
  if (wish.teams) out.teams = *wish.teams;
  if (wish.disabled) out.disabled = *wish.disabled;
  for (const std::string& team : out.teams)
    if (auto good = check_name(out.name, "teams", team); !good) return good;
  return {};
}

}  // namespace

Agreed<Operator> OperatorChanges::create(std::string_view name, const OperatorWish& wish) {
  if (!may(author_.who, Action::manage_operators))
    return object_to(Objection::Kind::forbidden,
                     "the role " + std::string(word(author_.who.role)) + " may not change operators");
  if (auto good = check_name(name, "name", name); !good) return std::unexpected(std::move(good.error()));
  if (name == "system")
    return object_to(Objection::Kind::invalid, "name: system is what the process itself is called",
                     wrong(name, "name", "is what the process itself is called in the audit log"));
  auto found = agreed(writer_.find_operator(name));
  if (!found) return std::unexpected(std::move(found.error()));
  if (*found) return object_to(Objection::Kind::exists, "the operator \"" + std::string(name) + "\" exists");
  Operator out{.name = std::string(name)};
  if (auto taken = take(wish, out); !taken) return std::unexpected(std::move(taken.error()));
  if (auto written = write("create_operator", nullptr, out); !written)
    return std::unexpected(std::move(written.error()));
  return out;
}

Agreed<Operator> OperatorChanges::existing(std::string_view name, Expected expected) {
  auto found = agreed(writer_.find_operator(name));
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return object_to(Objection::Kind::absent, "there is no operator \"" + std::string(name) + "\"");
  if (expected.kind == Expected::Kind::unsaid)
    return object_to(Objection::Kind::unconditional, "say which version is meant with If-Match");
  if (expected.kind == Expected::Kind::version && expected.version != (*found)->version) {
    Objection stale{.kind = Objection::Kind::stale, .message = "the operator was changed meanwhile"};
    stale.current = (*found)->version;
    return std::unexpected(std::move(stale));
  }
  return std::move(**found);
}

Agreed<Operator> OperatorChanges::change(std::string_view name, const OperatorWish& wish, Expected expected) {
  if (!may(author_.who, Action::manage_operators))
    return object_to(Objection::Kind::forbidden,
                     "the role " + std::string(word(author_.who.role)) + " may not change operators");
  auto before = existing(name, expected);
  if (!before) return before;
  Operator out = *before;
  if (auto taken = take(wish, out); !taken) return std::unexpected(std::move(taken.error()));
  if (out.role != Role::platform || out.disabled)
    if (auto kept = keep_one_platform(name); !kept) return std::unexpected(std::move(kept.error()));
  if (auto written = write("change_operator", &*before, out); !written)
    return std::unexpected(std::move(written.error()));
  return out;
}

Agreed<void> OperatorChanges::remove(std::string_view name, Expected expected) {
  if (!may(author_.who, Action::manage_operators))
    return object_to(Objection::Kind::forbidden,
                     "the role " + std::string(word(author_.who.role)) + " may not change operators");
  auto before = existing(name, expected);
  if (!before) return std::unexpected(std::move(before.error()));
  if (auto kept = keep_one_platform(name); !kept) return kept;
  if (auto gone = agreed(writer_.remove_operator(name)); !gone) return std::unexpected(std::move(gone.error()));
  return agreed(append_audit(writer_, {.at_ms = author_.at_ms,
                                       .actor = author_.who.name,
                                       .from = author_.from,
                                       .action = "remove_operator",
                                       .kind = "operator",
                                       .name = std::string(name),
                                       .before = to_json(*before)}));
}

Agreed<IssuedToken> OperatorChanges::add_token(std::string_view name, std::int64_t expires) {
  if (author_.who.name != name && !may(author_.who, Action::manage_operators))
    return object_to(Objection::Kind::forbidden, "you may make tokens for yourself only");
  auto before = existing(name, {Expected::Kind::any});
  if (!before) return std::unexpected(std::move(before.error()));
  if (before->tokens.size() >= kMostTokens)
    return object_to(Objection::Kind::invalid, "this operator has 100 tokens: remove some first");
  if (expires != 0 && expires <= author_.at_ms / 1000)
    return object_to(Objection::Kind::invalid, "expires_in: is in the past",
                     wrong(name, "expires_in", "is in the past"));
  if (author_.token_ends != 0 && expires == 0) expires = author_.token_ends;
  if (author_.token_ends != 0 && expires > author_.token_ends)
    return object_to(Objection::Kind::invalid, "expires_in: is after the end of the token this one is made with",
                     wrong(name, "expires_in", "is after the end of the token this one is made with",
                           "leave it out to end with it, or use a token that lasts as long"));
  IssuedToken issued = issue_token(author_.at_ms / 1000, expires);
  Operator after = *before;
  after.tokens.push_back(issued.token);
  if (auto written = write("add_token", &*before, after); !written)
    return std::unexpected(std::move(written.error()));
  return issued;
}

Agreed<void> OperatorChanges::remove_token(std::string_view name, std::string_view id) {
  if (author_.who.name != name && !may(author_.who, Action::manage_operators))
    return object_to(Objection::Kind::forbidden, "you may remove tokens of yourself only");
  auto before = existing(name, {Expected::Kind::any});
  if (!before) return std::unexpected(std::move(before.error()));
  Operator after = *before;
  if (std::erase_if(after.tokens, [&](const Operator::Token& token) { return token.id == id; }) == 0)
    return object_to(Objection::Kind::absent, "the operator has no such token");
  return write("remove_token", &*before, after);
}

Agreed<void> OperatorChanges::keep_one_platform(std::string_view without) {
  auto all = agreed(writer_.operators());
  if (!all) return std::unexpected(std::move(all.error()));
  const bool other = std::ranges::any_of(
      *all, [&](const Operator& one) { return one.name != without && one.role == Role::platform && !one.disabled; });
  if (other) return {};
  return object_to(Objection::Kind::invalid, "this is the last platform engineer: nobody could manage operators then",
                   wrong(without, "role", "is that of the last platform engineer", "make another one first"));
}

Agreed<void> OperatorChanges::write(std::string_view action, const Operator* before, Operator& after) {
  if (auto written = agreed(writer_.put_operator(after)); !written) return written;
  return agreed(append_audit(writer_, {.at_ms = author_.at_ms,
                                       .actor = author_.who.name,
                                       .from = author_.from,
                                       .action = std::string(action),
                                       .kind = "operator",
                                       .name = after.name,
                                       .before = before == nullptr ? Json() : to_json(*before),
                                       .after = to_json(after)}));
}

Json to_json(const Operator& who) {
  Json out = Json::object();
  out.set("name", who.name);
  out.set("role", word(who.role));
  Json teams = Json::array();
  for (const std::string& team : who.teams) teams.push(team);
  out.set("teams", std::move(teams));
  out.set("disabled", who.disabled);
  Json tokens = Json::array();
  for (const Operator::Token& token : who.tokens) {
    Json one = Json::object();
    one.set("id", token.id);
    one.set("created", token.created);
    if (token.expires != 0) one.set("expires", token.expires);
    if (token.last_used != 0) one.set("last_used", token.last_used);
    tokens.push(std::move(one));
  }
  out.set("tokens", std::move(tokens));
  return out;
}

Agreed<std::optional<std::string>> bootstrap(Store& store) {
  std::optional<std::string> token;
  const Author author = system_author();
  auto done = transact(store, false, [&](StoreWriter& writer) -> Agreed<void> {
    auto all = agreed(writer.operators());
    if (!all) return std::unexpected(std::move(all.error()));
    if (!all->empty()) return {};
    OperatorChanges changes(writer, author);
    if (auto made = changes.create("admin", {.role = Role::platform}); !made)
      return std::unexpected(std::move(made.error()));
    auto issued = changes.add_token("admin");
    if (!issued) return std::unexpected(std::move(issued.error()));
    token = std::move(issued->text);
    return {};
  });
  if (!done) return std::unexpected(std::move(done.error()));
  return token;
}

}  // namespace weir::control
