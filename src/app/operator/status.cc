// `weir status`: which revision is published, which gateway runs which, and what waits in the draft.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "app/operator/commands.h"
#include "app/operator/session/rollout.h"
#include "app/operator/session/table.h"
#include "app/operator/session/terminal.h"

namespace weir::remote {
namespace {

// Gateways repeat themselves every 2 s: more often there is nothing new.
constexpr auto kWatchEvery = std::chrono::seconds(2);

struct Report {
  std::string text;
  Json json;
  bool well = true;  // every gateway that is there runs the latest
};

std::int64_t pending_in(const Json& draft) {
  const Json* changes = draft.find("changes");
  if (changes == nullptr) return 0;
  if (changes->is_array()) return static_cast<std::int64_t>(changes->items().size());
  return number_in(*changes, "added") + number_in(*changes, "changed") + number_in(*changes, "removed");
}

std::string in_words(const Json& instance, std::int64_t latest) {
  const std::string_view state = text_in(instance, "state");
  if (state == "away") return "away";
  if (state == "refused")
    return fmt::format("REFUSES {}: {}", number_in(instance, "revision"), text_in(instance, "reason"));
  const std::int64_t behind = latest - number_in(instance, "in_use");
  if (behind > 0) return fmt::format("{} behind", behind);
  return std::string(state == "applied" ? "up to date" : state);
}

Outcome<Report> report(Server& server) {
  const auto revisions = server.list("/v1/revisions", 1);
  if (!revisions) return std::unexpected(revisions.error());
  const auto instances = server.get("/v1/instances");
  if (!instances) return std::unexpected(instances.error());
  const auto draft = server.get("/v1/draft");
  if (!draft) return std::unexpected(draft.error());

  Report out;
  const Json latest = revisions->empty() ? Json::object() : revisions->front();
  const std::int64_t number = number_in(latest, "number");
  out.text = number == 0 ? std::string("nothing is published yet\n")
                         : fmt::format("revision {} of {} by {}{}{}\n", number, text_in(latest, "made_at"),
                                       text_in(latest, "made_by"), text_in(latest, "message").empty() ? "" : ": ",
                                       text_in(latest, "message"));
  if (const std::int64_t pending = pending_in(*draft); pending != 0)
    out.text += fmt::format("the draft holds {} change{} not published yet (weir publish)\n", pending,
                            pending == 1 ? "" : "s");
  Table table({"INSTANCE", "HOST", "VERSION", "IN USE", "STATE", "SEEN"});
  const Json* items = instances->find("items");
  const Json none = Json::array();
  for (const Json& one : (items == nullptr ? none : *items).items()) {
    const bool lags = number_in(one, "in_use") < number && text_in(one, "state") != "away";
    out.well = out.well && !lags;
    const std::int64_t in_use = number_in(one, "in_use");
    table.add({std::string(text_in(one, "instance")), std::string(text_in(one, "host")),
               std::string(text_in(one, "version")), in_use == 0 ? "-" : std::to_string(in_use),
               in_words(one, number), std::string(text_in(one, "seen_at"))});
  }
  const bool any = items != nullptr && !items->items().empty();
  out.text += any ? "\n" + table.text() : "no gateway is connected\n";
  out.json = Json::object().set("latest", number == 0 ? Json() : latest).set("instances", any ? *items : none);
  out.json.set("draft", *draft);
  return out;
}

}  // namespace

int status(const StatusOptions& options) {
  auto server = Server::at(options.server);
  if (!server) return tell("status", server.error());
  const bool clears = options.watch && is_terminal(STDOUT_FILENO) && !options.json;
  for (;;) {
    const auto now = report(*server);
    if (!now && !options.watch) return tell("status", now.error());
    if (clears) fmt::print("\x1b[H\x1b[2J");
    if (now) {
      fmt::print("{}{}", options.json ? to_canonical(now->json) : now->text, options.json ? "\n" : "");
    } else {
      tell("status", now.error());
    }
    if (!options.watch) return now->well ? kOk : kNotReached;
    if (!clears && !options.json) fmt::print("\n");
    std::fflush(stdout);
    std::this_thread::sleep_for(kWatchEvery);
  }
}

}  // namespace weir::remote
