#include "adapters/redis/config/receipt.h"

#include <algorithm>

#include "adapters/redis/config/names.h"
#include "base/json/json.h"

namespace weir::adapters::redis {
namespace {

using State = ports::Receipt::State;

constexpr std::pair<State, std::string_view> kStates[] = {
    {State::applied, "applied"}, {State::refused, "refused"}, {State::starting, "starting"}};
constexpr std::size_t kLongestHost = 255;     // of DNS
constexpr std::size_t kLongestVersion = 64;   // of a release's name
constexpr std::size_t kLongestReason = 2100;  // gateway/config/follower.cc cuts it at 2,000 and says that it did

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

bool is_instance(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kLongestInstance &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

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
  if (text.size() > kLongestReceipt) return std::nullopt;
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
  if (!known || !is_instance(receipt.instance)) return std::nullopt;
  receipt.host = text_of(*json, "host");
  receipt.version = text_of(*json, "version");
  receipt.reason = text_of(*json, "reason");
  receipt.revision = static_cast<std::uint64_t>(number_of(*json, "revision"));
  receipt.in_use = static_cast<std::uint64_t>(number_of(*json, "in_use"));
  receipt.at_ms = number_of(*json, "at_ms");
  out.sent_ms = number_of(*json, "sent_ms");
  if (receipt.host.size() > kLongestHost || receipt.version.size() > kLongestVersion ||
      receipt.reason.size() > kLongestReason || receipt.revision > kHighestNumber || receipt.in_use > kHighestNumber)
    return std::nullopt;
  return out;
}

}  // namespace weir::adapters::redis
