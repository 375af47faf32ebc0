// `weir audit`: the audit log, and whether its chain of hashes holds.
#include <fmt/format.h>

#include <cstdio>

#include "app/operator/commands.h"
#include "app/operator/session/rollout.h"
#include "app/operator/session/table.h"

namespace weir::remote {
namespace {

std::string list_text(const Json::Array& entries) {
  Table table({"SEQ", "WHEN", "OPERATOR", "FROM", "ACTION", "WHAT"});
  for (const Json& one : entries) {
    std::string what = fmt::format("{} {}", text_in(one, "kind"), text_in(one, "name"));
    if (const std::int64_t revision = number_in(one, "revision"); revision != 0)
      what += fmt::format("{}revision {}", what == " " ? "" : " ", revision);
    table.add({std::to_string(number_in(one, "seq")), std::string(text_in(one, "at")),
               std::string(text_in(one, "operator")), std::string(text_in(one, "from")),
               std::string(text_in(one, "action")), what});
  }
  return table.text();
}

int tell_verdict(const Json& verdict, bool json) {
  const Json* ok = verdict.find("ok");
  const bool holds = ok != nullptr && ok->as_boolean();
  if (json) {
    fmt::print("{}\n", to_pretty(verdict));
  } else if (holds) {
    fmt::print("the audit log holds: {} entries\nhead {}\n", number_in(verdict, "entries"), text_in(verdict, "head"));
  } else {
    std::fflush(stdout);
    fmt::print(stderr, "the audit log does NOT hold from entry {} on: {}\n", number_in(verdict, "broken_at"),
               text_in(verdict, "reason"));
  }
  return holds ? kOk : kProblems;
}

}  // namespace

int audit(const AuditOptions& options) {
  auto server = Server::at(options.server);
  if (!server) return tell("audit", server.error());
  if (options.verify) {
    // It reads all of the log.
    const auto verdict = server->get("/v1/audit/verify", {.timeout = milliseconds(120'000)});
    if (!verdict) return tell("audit", verdict.error());
    return tell_verdict(*verdict, options.json);
  }
  const auto list = server->list("/v1/audit", static_cast<std::size_t>(options.limit));
  if (!list) return tell("audit", list.error());
  fmt::print("{}", options.json ? to_pretty(Json(*list)) + "\n" : list_text(*list));
  return kOk;
}

}  // namespace weir::remote
