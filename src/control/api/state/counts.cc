#include "control/api/state/counts.h"

#include <fmt/format.h>

#include <iterator>

namespace weir::control::api {
namespace {

constexpr std::array<std::string_view, 4> kStoreErrors = {"unavailable", "read_only", "outdated", "broken"};
constexpr std::array<std::string_view, 4> kStates = {"applied", "refused", "starting", "away"};

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void sample(std::string& out, std::string_view name, std::string_view label, std::string_view value,
            std::uint64_t count) {
  fmt::format_to(std::back_inserter(out), "{}{{{}=\"{}\"}} {}\n", name, label, value, count);
}

std::size_t state_of(const InstanceBoard::Instance& instance) noexcept {
  if (instance.away) return 3;
  switch (instance.receipt.state) {
    case ports::Receipt::State::applied:
      return 0;
    case ports::Receipt::State::refused:
      return 1;
    case ports::Receipt::State::starting:
      break;
  }
  return 2;
}

}  // namespace

void Counts::answered(int status) noexcept {
  if (status >= 0 && static_cast<std::size_t>(status) < by_status_.size())
    add(by_status_[static_cast<std::size_t>(status)]);
}

std::string Counts::exposition(const std::vector<InstanceBoard::Instance>& instances, std::uint64_t last) const {
  std::string out;
  family(out, "weir_control_requests_total", "counter", "Requests to the admin API, by the status of the answer.");
  for (std::size_t status = 0; status < by_status_.size(); ++status)
    if (const std::uint64_t count = by_status_[status].load(std::memory_order_relaxed); count != 0)
      sample(out, "weir_control_requests_total", "status", fmt::format("{}", status), count);
  family(out, "weir_control_publishes_total", "counter", "Attempts to publish, by what came of them.");
  sample(out, "weir_control_publishes_total", "result", "published", published_.load(std::memory_order_relaxed));
  sample(out, "weir_control_publishes_total", "result", "refused", refused_.load(std::memory_order_relaxed));
  family(out, "weir_control_logins_failed_total", "counter", "Requests whose token did not hold.");
  fmt::format_to(std::back_inserter(out), "weir_control_logins_failed_total {}\n",
                 logins_failed_.load(std::memory_order_relaxed));
  family(out, "weir_control_login_notes_dropped_total", "counter",
         "Failed logins that are not in the audit log: the database was away and too many waited for it.");
  fmt::format_to(std::back_inserter(out), "weir_control_login_notes_dropped_total {}\n",
                 notes_dropped_.load(std::memory_order_relaxed));
  family(out, "weir_control_store_errors_total", "counter", "What the database could not do, by why.");
  for (std::size_t i = 0; i < kStoreErrors.size(); ++i)
    sample(out, "weir_control_store_errors_total", "kind", kStoreErrors[i],
           store_errors_[i].load(std::memory_order_relaxed));
  std::array<std::uint64_t, kStates.size()> by_state{};
  for (const auto& instance : instances) ++by_state[state_of(instance)];
  family(out, "weir_control_instances", "gauge", "Gateways by what they last said of themselves.");
  for (std::size_t i = 0; i < kStates.size(); ++i)
    sample(out, "weir_control_instances", "state", kStates[i], by_state[i]);
  family(out, "weir_control_revision", "gauge",
         "The last revision published; 0 if none is, or the database is away.");
  fmt::format_to(std::back_inserter(out), "weir_control_revision {}\n", last);
  return out;
}

}  // namespace weir::control::api
