// heartbeat.h.
#include "adapters/redis/limits/heartbeat.h"

namespace weir::adapters::redis {
namespace {

constexpr std::string_view kKey = "weir:instances";
constexpr auto kEvery = std::chrono::seconds(1);
// Nobody waits for a heartbeat; but it must not be late for the next.
constexpr auto kPatience = std::chrono::milliseconds(500);

}  // namespace

// Sends the scripts of decisions in full, so that the first ones need one round trip too. Of a cluster one node
// learns them; the others are taught by their first decision.
io::Task<void> Heartbeat::teach() {
  for (const Script* script : {&scripts_.take, &scripts_.lease, &scripts_.give_back, &scripts_.quota}) {
    const std::string_view words[] = {"SCRIPT", "LOAD", script->source()};
    (void)co_await client_.call(Command(words, kKey), client_.loop().refresh() + kPatience);
  }
}

io::Task<void> Heartbeat::run() {
  const std::string gone = std::to_string(std::chrono::milliseconds(limits::Instances::kGone).count());
  const std::string_view arguments[] = {id_, gone};
  bool known = false;
  while (!ending_) {
    if (!known) co_await teach();
    const Answer answer =
        co_await client_.call(scripts_.heartbeat, kKey, arguments, client_.loop().refresh() + kPatience);
    const auto count = answer && !answer->is_error() ? answer->integer() : 0;
    known = count > 0;
    if (known) {
      instances_.heard(static_cast<std::uint32_t>(count), client_.loop().now());
    } else {
      instances_.silent();
    }
    if (!ending_) co_await beat_.wait(client_.loop().now() + kEvery);
  }
  if (client_.available())
    (void)co_await client_.call({"ZREM", kKey, id_},
                                client_.loop().refresh() + client_.settings().command_timeout * 5);
}

}  // namespace weir::adapters::redis
