#include "app/operator/session/rollout.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "app/operator/session/terminal.h"
#include "base/json/quantity.h"

namespace weir::remote {
namespace {

using Clock = std::chrono::steady_clock;

// The control plane is asked again this often: each answer comes as soon as something is decided, and what is known
// by now is shown meanwhile.
constexpr milliseconds kStep{1'000};

struct Counts {
  std::int64_t applied = 0, refused = 0, waiting = 0, away = 0;
  std::int64_t present() const noexcept { return applied + refused + waiting; }
};

Counts counts_of(const Json& status) {
  const Json* counts = status.find("counts");
  if (counts == nullptr) return {};
  return {number_in(*counts, "applied"), number_in(*counts, "refused"), number_in(*counts, "waiting"),
          number_in(*counts, "away")};
}

// Each instance in a state of `state`, with what it says.
void tell_instances(const Json& status, std::string_view state, std::string_view otherwise) {
  const Json* instances = status.find("instances");
  if (instances == nullptr) return;
  for (const Json& one : instances->items()) {
    if (text_in(one, "state") != state) continue;
    const std::string_view reason = text_in(one, "reason");
    const std::string_view host = text_in(one, "host");
    fmt::print(stderr, "  {}{}: {}{}\n", text_in(one, "instance"), host.empty() ? "" : fmt::format(" on {}", host),
               state == "refused" ? "refuses it: " : "", reason.empty() ? otherwise : reason);
  }
}

int conclude(const Json& status, std::int64_t revision, Clock::duration took) {
  const Counts counts = counts_of(status);
  const double seconds = std::chrono::duration<double>(took).count();
  if (counts.present() + counts.away == 0) {
    fmt::print("no gateway is connected: revision {} waits for the first\n", revision);
    return kOk;
  }
  std::fflush(stdout);
  if (counts.away > 0) {
    fmt::print(stderr, "{} away, and will take it when back:\n",
               counts.away == 1 ? "one gateway is" : "gateways are");
    tell_instances(status, "away", "not heard of for a while");
  }
  if (counts.refused == 0 && counts.waiting == 0) {
    fmt::print("revision {} is in use on {} of {} gateways ({:.1f} s)\n", revision, counts.applied, counts.present(),
               seconds);
    return kOk;
  }
  fmt::print(stderr, "revision {} is NOT in use everywhere: {} of {} gateways after {:.1f} s\n", revision,
             counts.applied, counts.present(), seconds);
  tell_instances(status, "refused", "without a reason");
  tell_instances(status, "waiting", "has not answered yet");
  fmt::print(stderr, "  they go on with what they have; back to the revision before: weir rollback previous\n");
  return kNotReached;
}

}  // namespace

std::int64_t number_in(const Json& object, std::string_view name) {
  const Json* found = object.find(name);
  return found == nullptr ? 0 : found->as_integer();
}

std::string_view text_in(const Json& object, std::string_view name) {
  const Json* found = object.find(name);
  return found == nullptr ? std::string_view() : found->as_string();
}

Outcome<milliseconds> parse_patience(std::string_view text) {
  const auto read = parse_duration(text);
  if (!read)
    return std::unexpected(Trouble{kUsage, fmt::format("--timeout \"{}\" is no time such as 30s or 2m", text)});
  return *read;
}

int wait_for_gateways(Server& server, std::int64_t revision, milliseconds patience) {
  const bool shows_progress = is_terminal(STDERR_FILENO);
  const auto start = Clock::now();
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(start + patience - Clock::now());
    const milliseconds step = std::clamp(left, milliseconds(0), kStep);
    const auto status =
        server.get(fmt::format("/v1/revisions/{}/status?wait=all&timeout={}ms", revision, step.count()),
                   {.timeout = step + milliseconds(10'000)});
    if (shows_progress) fmt::print(stderr, "\r\x1b[K");
    if (!status) {
      fmt::print(stderr, "whether gateways took revision {} is not known: {}\n", revision, status.error().text);
      return kNotReached;
    }
    const Counts counts = counts_of(*status);
    if (counts.refused > 0 || counts.waiting == 0 || Clock::now() - start >= patience)
      return conclude(*status, revision, Clock::now() - start);
    if (shows_progress) {
      fmt::print(stderr, "revision {}: in use on {} of {} gateways …", revision, counts.applied, counts.present());
      std::fflush(stderr);
    }
  }
}

void tell_published(const Json& published) {
  const Json* changes = published.find("changes");
  const Json* unchanged = published.find("unchanged");
  if (unchanged != nullptr && unchanged->as_boolean()) {
    fmt::print("revision {} says this already\n", number_in(published, "number"));
    return;
  }
  fmt::print("published revision {}", number_in(published, "number"));
  if (changes != nullptr)
    fmt::print(": {} added, {} changed, {} removed", number_in(*changes, "added"), number_in(*changes, "changed"),
               number_in(*changes, "removed"));
  fmt::print("\n");
  std::fflush(stdout);
  if (const Json* warnings = published.find("warnings"))
    for (const Json& warning : warnings->items()) fmt::print(stderr, "warning: {}\n", problem_line(warning));
}

}  // namespace weir::remote
