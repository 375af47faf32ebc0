#include "adapters/redis/config_receipt.h"

#include "base/json.h"

namespace weir::adapters::redis {
namespace {

using State = ports::Receipt::State;

constexpr std::pair<State, std::string_view> kStates[] = {
    {State::applied, "applied"}, {State::refused, "refused"}, {State::starting, "starting"}};
// Of 20-digit numbers, names and a reason; what is longer was not written by a gateway.
constexpr std::size_t kLongest = 64 * 1024;

std::string_view word(State state) noexcept {
  for (const auto& [one, text] : kStates)
    if (one == state) return text;
  return {};
}

std::string_view text_of(const Json& json, std::string_view name) noexcept {
  const Json* found = json.find(name);
  return found == nullptr ? std::string_view() : found->as_string();
}

std::int64_t number_of(const Json& json, std::string_view name) noexcept {
  const Json* found = json.find(name);
  return found == nullptr ? 0 : std::max<std::int64_t>(found->as_integer(), 0);
}

}  // namespace

std::string to_text(const Beat& beat) {
  const ports::Receipt& receipt = beat.receipt;
  Json out = Json::object();
  out.set("at_ms", receipt.at_ms).set("host", receipt.host).set("in_use", receipt.in_use);
  out.set("instance", receipt.instance).set("revision", receipt.revision).set("sent_ms", beat.sent_ms);
  out.set("state", word(receipt.state)).set("version", receipt.version);
  if (!receipt.reason.empty()) out.set("reason", receipt.reason);
  return to_canonical(out);
}

std::optional<Beat> beat_from(std::string_view text) {
  if (text.size() > kLongest) return std::nullopt;
  const auto json = parse_json(text);
  if (!json) return std::nullopt;
  Beat out;
  ports::Receipt& receipt = out.receipt;
  bool known = false;
  for (const auto& [state, name] : kStates) {
    if (text_of(*json, "state") != name) continue;
    receipt.state = state;
    known = true;
  }
  receipt.instance = text_of(*json, "instance");
  if (!known || receipt.instance.empty()) return std::nullopt;
  receipt.host = text_of(*json, "host");
  receipt.version = text_of(*json, "version");
  receipt.reason = text_of(*json, "reason");
  receipt.revision = static_cast<std::uint64_t>(number_of(*json, "revision"));
  receipt.in_use = static_cast<std::uint64_t>(number_of(*json, "in_use"));
  receipt.at_ms = number_of(*json, "at_ms");
  out.sent_ms = number_of(*json, "sent_ms");
  return out;
}

}  // namespace weir::adapters::redis
