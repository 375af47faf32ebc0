// `weir operator`: who may use the control plane, and the tokens they do it with. A token is shown once, when it is
// made.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "app/operator/commands.h"
#include "app/operator/session/rollout.h"
#include "app/operator/session/table.h"
#include "base/json/quantity.h"

namespace weir::remote {
namespace {

std::string words_text(const Json* list) {
  std::string out;
  if (list != nullptr)
    for (const Json& word : list->items()) out.append(out.empty() ? "" : " ").append(word.as_string());
  return out.empty() ? "-" : out;
}

std::string path_of(const OperatorOptions& options, std::string_view below = {}) {
  return fmt::format("/v1/operators/{}{}", adapters::curl::percent_encode(options.name), below);
}

int list(const OperatorOptions& options, Server& server) {
  const auto answer = server.get("/v1/operators");
  if (!answer) return tell("operator", answer.error());
  const Json* all = answer->find("items");
  if (all == nullptr || options.json) return fmt::print("{}\n", to_pretty(all == nullptr ? *answer : *all)), kOk;
  Table table({"OPERATOR", "ROLE", "TEAMS", "TOKENS", "STATE"});
  for (const Json& one : all->items()) {
    const Json* tokens = one.find("tokens");
    const Json* disabled = one.find("disabled");
    table.add({std::string(text_in(one, "name")), std::string(text_in(one, "role")), words_text(one.find("teams")),
               std::to_string(tokens == nullptr ? 0 : tokens->items().size()),
               disabled != nullptr && disabled->as_boolean() ? "disabled" : "enabled"});
  }
  fmt::print("{}", table.text());
  return kOk;
}

int make_token(const OperatorOptions& options, Server& server) {
  Json body = Json::object();
  if (!options.expires.empty()) body.set("expires_in", options.expires);
  const auto made = server.demand("POST", path_of(options, "/tokens"), &body);
  if (!made) return tell("operator", made.error());
  if (options.json) return fmt::print("{}\n", to_pretty(*made)), kOk;
  if (options.quiet) return fmt::print("{}\n", text_in(*made, "token")), kOk;
  fmt::print("{}\n", text_in(*made, "token"));
  std::fflush(stdout);
  fmt::print(stderr,
             "This token of {} is shown once. Its owner keeps it in WEIR_TOKEN or in ~/.config/weir/token "
             "(mode 0600).\n",
             options.name);
  return kOk;
}

int create(const OperatorOptions& options, Server& server) {
  Json teams = Json::array();
  for (const std::string& team : options.teams) teams.push(team);
  Json body = Json::object().set("name", options.name).set("role", options.role);
  if (!options.teams.empty()) body.set("teams", std::move(teams));
  const auto made = server.demand("POST", "/v1/operators", &body);
  if (!made) return tell("operator", made.error());
  return make_token(options, server);
}

int disable(const OperatorOptions& options, Server& server) {
  const Json body = Json::object().set("disabled", true);
  // Whatever else is changed meanwhile, this is to be so.
  const auto done = server.demand("PATCH", path_of(options), &body, {.fields = {{"If-Match", "*"}}});
  if (!done) return tell("operator", done.error());
  fmt::print("{} is disabled: none of its tokens is taken any more\n", options.name);
  return kOk;
}

}  // namespace

int operators(const OperatorOptions& options) {
  using Action = OperatorOptions::Action;
  if (options.action != Action::list && options.name.empty())
    return tell("operator", {kUsage, "which operator? its NAME is missing"});
  if (options.action == Action::create && options.role.empty())
    return tell("operator", {kUsage, "--role is missing: viewer, developer, platform or auditor"});
  if (!options.expires.empty() && !parse_duration(options.expires))
    return tell("operator", {kUsage, fmt::format("--expires \"{}\" is no time such as 90d", options.expires)});
  auto server = Server::at(options.server);
  if (!server) return tell("operator", server.error());
  switch (options.action) {
    case Action::list:
      return list(options, *server);
    case Action::create:
      return create(options, *server);
    case Action::token:
      return make_token(options, *server);
    case Action::disable:
      break;
  }
  return disable(options, *server);
}

}  // namespace weir::remote
