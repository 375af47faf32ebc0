// `weir publish` and `weir rollback`: the draft, or an old revision, becomes the next revision.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "app/operator/commands.h"
#include "app/operator/session/rollout.h"
#include "app/operator/session/terminal.h"

namespace weir::remote {
namespace {

// Compiling 2,000 routes and 50,000 consumers with sanitizers, on a machine that is busy.
constexpr milliseconds kLongest{120'000};

Json body_of(const std::string& message, bool force) {
  Json out = Json::object();
  if (!message.empty()) out.set("message", message);
  if (force) out.set("force", true);
  return out;
}

int finish(Server& server, const Json& published, milliseconds patience) {
  tell_published(published);
  return wait_for_gateways(server, number_in(published, "number"), patience);
}

// The revision before the one in use; a number as it is.
Outcome<std::string> target_of(Server& server, const std::string& word) {
  if (word != "previous") {
    if (!word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; })) return word;
    return std::unexpected(Trouble{kUsage, fmt::format("\"{}\" is no revision: its number, or previous", word)});
  }
  const auto list = server.list("/v1/revisions", 2);
  if (!list) return std::unexpected(list.error());
  if (list->size() < 2) return std::unexpected(Trouble{kProblems, "there is no revision before the latest"});
  return std::to_string(number_in((*list)[1], "number"));
}

}  // namespace

int publish(const PublishOptions& options) {
  const auto patience = parse_patience(options.timeout);
  if (!patience) return tell("publish", patience.error());
  auto server = Server::at(options.server);
  if (!server) return tell("publish", server.error());
  const Json body = body_of(options.message, options.force);
  const auto published = server->demand("POST", options.dry_run ? "/v1/publish?dry_run=true" : "/v1/publish", &body,
                                        {.timeout = kLongest});
  if (!published) return tell("publish", published.error());
  if (!options.dry_run) return finish(*server, *published, *patience);
  if (const Json* warnings = published->find("warnings"))
    for (const Json& warning : warnings->items()) fmt::print(stderr, "warning: {}\n", problem_line(warning));
  fmt::print("it could be published; nothing was changed\n");
  return kOk;
}

int rollback(const RollbackOptions& options) {
  const auto patience = parse_patience(options.timeout);
  if (!patience) return tell("rollback", patience.error());
  auto server = Server::at(options.server);
  if (!server) return tell("rollback", server.error());
  const auto number = target_of(*server, options.revision);
  if (!number) return tell("rollback", number.error());
  if (!options.yes) {
    const auto answer =
        confirm(fmt::format("Publish what revision {} said, on {}? Changes of the draft that are not "
                            "published are lost.",
                            *number, server->url()));
    if (!answer) return tell("rollback", {kUsage, "nobody is there to be asked: add --yes to do it without asking"});
    if (!*answer) return fmt::print("nothing was changed\n"), kProblems;
  }
  const Json body = body_of(options.message, options.force);
  const auto published =
      server->demand("POST", fmt::format("/v1/revisions/{}/rollback", *number), &body, {.timeout = kLongest});
  if (!published) return tell("rollback", published.error());
  return finish(*server, *published, *patience);
}

}  // namespace weir::remote
