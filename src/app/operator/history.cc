// `weir history`: the revisions, the newest first, or what changed in one of them.
#include <fmt/format.h>

#include <cstdio>

#include "app/operator/commands.h"
#include "app/operator/plan/change_text.h"
#include "app/operator/session/rollout.h"
#include "app/operator/session/table.h"
#include "app/operator/session/terminal.h"

namespace weir::remote {
namespace {

std::string changes_text(const Json& revision) {
  const Json* changes = revision.find("changes");
  if (changes == nullptr) return "";
  return fmt::format("+{} ~{} -{}", number_in(*changes, "added"), number_in(*changes, "changed"),
                     number_in(*changes, "removed"));
}

std::string message_text(const Json& revision) {
  const std::int64_t back_to = number_in(revision, "rolled_back_to");
  std::string out(text_in(revision, "message"));
  if (back_to != 0) out = fmt::format("back to {}{}{}", back_to, out.empty() ? "" : ": ", out);
  return out;
}

std::string list_text(const Json::Array& revisions) {
  Table table({"REVISION", "MADE", "BY", "CHANGES", "DIGEST", "MESSAGE"});
  for (const Json& one : revisions)
    table.add({std::to_string(number_in(one, "number")), std::string(text_in(one, "made_at")),
               std::string(text_in(one, "made_by")), changes_text(one),
               std::string(text_in(one, "digest").substr(0, 12)), message_text(one)});
  return table.text();
}

// The server's differences in the words of apply's.
std::vector<Change> changes_of(const Json& answer) {
  std::vector<Change> out;
  const Json* items = answer.find("differences");
  if (items == nullptr) return out;
  for (const Json& one : items->items()) {
    Change change;
    const std::string_view what = text_in(one, "change");
    change.op = what == "added" ? Change::Op::add : what == "removed" ? Change::Op::remove : Change::Op::change;
    change.kind = control::kind_of(text_in(one, "kind")).value_or(control::Kind::route);
    change.name = text_in(one, "name");
    if (const Json* before = one.find("before")) change.before = *before;
    if (const Json* after = one.find("after")) change.after = *after;
    out.push_back(std::move(change));
  }
  return out;
}

}  // namespace

int history(const HistoryOptions& options) {
  auto server = Server::at(options.server);
  if (!server) return tell("history", server.error());
  if (options.revision.empty()) {
    const auto list = server->list("/v1/revisions", static_cast<std::size_t>(options.limit));
    if (!list) return tell("history", list.error());
    fmt::print("{}", options.json ? to_pretty(Json(*list)) + "\n" : list_text(*list));
    return kOk;
  }
  const auto difference =
      server->get(fmt::format("/v1/revisions/{}/diff", adapters::curl::percent_encode(options.revision)));
  if (!difference) return tell("history", difference.error());
  if (options.json) {
    fmt::print("{}\n", to_pretty(*difference));
    return kOk;
  }
  const std::vector<Change> changes = changes_of(*difference);
  fmt::print("{}{}\n", change_text(changes, shows_colour()), count_text(changes));
  return kOk;
}

}  // namespace weir::remote
