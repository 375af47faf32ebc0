// heartbeat.h.
#include "adapters/redis/heartbeat.h"

namespace weir::adapters::redis {
namespace {

constexpr std::string_view kKey = "weir:instances";
constexpr auto kEvery = std::chrono::seconds(1);
// Nobody waits for a heartbeat; but it must not be late for the next.
constexpr auto kPatience = std::chrono::milliseconds(500);

}  // namespace

io::Task<void> Heartbeat::run() {
  const std::string gone = std::to_string(std::chrono::milliseconds(limits::Instances::kGone).count());
  const std::string_view arguments[] = {id_, gone};
  while (!ending_) {
    const Answer answer =
        co_await client_.call(scripts_.heartbeat, kKey, arguments, client_.loop().refresh() + kPatience);
    const auto count = answer && !answer->is_error() ? answer->integer() : 0;
    if (count > 0) {
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
