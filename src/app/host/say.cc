#include "app/host/say.h"

#include <ctime>

namespace weir::app {

void say_line(std::string_view text) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
  fmt::print(stderr, "{} weir: {}\n", time, text);
}

}  // namespace weir::app
