// `weir apply`: makes the draft say what the files say, and publishes it, as one transaction: if the result cannot be
// published, nothing has changed.
#include <fmt/format.h>

#include <cstdio>

#include "app/operator/commands.h"
#include "app/operator/plan/change_text.h"
#include "app/operator/plan/plan.h"
#include "app/operator/session/rollout.h"
#include "app/operator/session/terminal.h"
#include "snapshot/document.h"

namespace weir::remote {
namespace {

Json batch_of(const ApplyOptions& options, std::span<const Change> changes) {
  Json operations = Json::array();
  for (const Change& change : changes) {
    Json one = Json::object();
    one.set("op", change.op == Change::Op::remove ? "delete" : "put");
    one.set("kind", control::word(change.kind)).set("name", change.name);
    if (change.op != Change::Op::remove) one.set("body", change.after);
    // 0: it must be new. Somebody else's change since we looked is never written over.
    if (change.op == Change::Op::add || change.version != 0) one.set("if_version", change.version);
    operations.push(std::move(one));
  }
  Json out = Json::object().set("operations", std::move(operations));
  if (!options.message.empty()) out.set("message", options.message);
  if (options.force) out.set("force", true);
  return out;
}

// Where a file says what the server complains about; empty: in none of them.
std::string place_of(const Plan& plan, const Json& error) {
  const std::string_view kind = text_in(error, "kind");
  const std::string_view name = text_in(error, "name");
  for (const FileObject& object : plan.files.objects) {
    if (control::word(object.kind) != kind || object.name != name) continue;
    Position at = snapshot::position_at(object.body, text_in(error, "field"));
    if (at.line == 0) at = object.position;
    return fmt::format("{}:{}:{}: ", object.file, at.line, at.column);
  }
  return {};
}

int tell_refusal(const Server& server, const Plan& plan, const Answer& answer) {
  const Json* errors = answer.body.find("errors");
  if (errors == nullptr || errors->items().empty()) {
    Trouble trouble = server.refusal(answer);
    if (answer.status == 409 || answer.status == 412)
      trouble.text += "\n  somebody changed the draft since it was read: run it again, and look at the difference";
    return tell("apply", trouble);
  }
  std::fflush(stdout);
  for (const Json& error : errors->items()) fmt::print(stderr, "{}{}\n", place_of(plan, error), problem_line(error));
  const std::string_view detail = text_in(answer.body, "detail");
  fmt::print(stderr, "weir apply: nothing was changed: {}\n",
             detail.empty() ? text_in(answer.body, "title") : detail);
  return kProblems;
}

// What others have put into the draft and not published: a publication takes it along.
std::int64_t tell_pending(const Json& draft) {
  const Json* changes = draft.find("changes");
  if (changes == nullptr) return 0;
  const std::int64_t count = changes->is_array() ? static_cast<std::int64_t>(changes->items().size())
                                                 : number_in(*changes, "added") + number_in(*changes, "changed") +
                                                       number_in(*changes, "removed");
  if (count > 0)
    fmt::print(stderr, "the draft holds {} change{} that {} not published yet, and would be published with this\n",
               count, count == 1 ? "" : "s", count == 1 ? "is" : "are");
  return count;
}

class Application {
 public:
  Application(const ApplyOptions& options, Server& server, const Plan& plan, milliseconds patience)
      : options_(options), server_(server), plan_(plan), changes_(plan.comparison.changes), patience_(patience) {}

  int run() {
    std::int64_t pending = 0;
    if (!options_.no_publish) {
      const auto draft = server_.get("/v1/draft");
      if (!draft) return tell("apply", draft.error());
      pending = tell_pending(*draft);
    }
    if (changes_.empty() && pending == 0) {
      fmt::print("nothing to do: {} objects are as the files say\n", plan_.comparison.same);
      return kOk;
    }
    if (!changes_.empty()) fmt::print("{}{}\n", change_text(changes_, shows_colour()), count_text(changes_));
    if (!options_.dry_run) {
      if (const auto stop = ask()) return *stop;
    }
    return changes_.empty() ? publish_draft() : send();
  }

 private:
  std::optional<int> ask() const {
    if (options_.yes) return std::nullopt;
    const auto answer =
        confirm(fmt::format("{} {}?", options_.no_publish ? "Change the draft of" : "Publish on", server_.url()));
    if (!answer) return tell("apply", {kUsage, "nobody is there to be asked: add --yes to change it without asking"});
    if (*answer) return std::nullopt;
    fmt::print("nothing was changed\n");
    return kProblems;
  }

  std::string parameters(std::string_view separator) const {
    return options_.dry_run ? std::string(separator) + "dry_run=true" : "";
  }

  int send() {
    const Json batch = batch_of(options_, changes_);
    const std::string target =
        options_.no_publish ? "/v1/batch" + parameters("?") : "/v1/batch?publish=true" + parameters("&");
    const auto answer = server_.ask("POST", target, &batch, {.timeout = kLongest});
    if (!answer) return tell("apply", answer.error());
    if (!answer->ok()) return tell_refusal(server_, plan_, *answer);
    if (options_.no_publish) {
      fmt::print("{}\n", options_.dry_run ? "it would be taken; nothing was changed"
                                          : "the draft is changed; weir publish makes it take effect");
      return kOk;
    }
    const Json* revision = answer->body.find("revision");
    return finish(revision == nullptr ? answer->body : *revision);
  }

  int publish_draft() {
    Json body = Json::object();
    if (!options_.message.empty()) body.set("message", options_.message);
    if (options_.force) body.set("force", true);
    const auto answer = server_.ask("POST", "/v1/publish" + parameters("?"), &body, {.timeout = kLongest});
    if (!answer) return tell("apply", answer.error());
    if (!answer->ok()) return tell_refusal(server_, plan_, *answer);
    return finish(answer->body);
  }

  int finish(const Json& published) {
    if (options_.dry_run) {
      if (const Json* warnings = published.find("warnings"))
        for (const Json& warning : warnings->items())
          fmt::print(stderr, "{}warning: {}\n", place_of(plan_, warning), problem_line(warning));
      fmt::print("it could be published; nothing was changed\n");
      return kOk;
    }
    tell_published(published);
    return wait_for_gateways(server_, number_in(published, "number"), patience_);
  }

  // Compiling 2,000 routes and 50,000 consumers with sanitizers, on a machine that is busy.
  static constexpr milliseconds kLongest{120'000};

  const ApplyOptions& options_;
  Server& server_;
  const Plan& plan_;
  std::span<const Change> changes_;
  milliseconds patience_;
};

}  // namespace

int apply(const ApplyOptions& options, pipeline::FilterTable filters) {
  const auto patience = parse_patience(options.timeout);
  if (!patience) return tell("apply", patience.error());
  auto server = Server::at(options.server);
  if (!server) return tell("apply", server.error());
  const auto plan = make_plan("apply", *server, options.files, {.prune = options.prune, .tag = options.tag}, filters);
  if (!plan) return plan.error();
  return Application(options, *server, **plan, *patience).run();
}

}  // namespace weir::remote
