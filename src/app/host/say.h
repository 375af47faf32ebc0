// What a serving process says on standard error: one line with the time, for people and for journald alike. Any
// thread; lines of two threads do not mix.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace weir::app {

void say_line(std::string_view text);

template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  say_line(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace weir::app
