// Who is at the other end: a person with a terminal, or a script. The command's thread.
#pragma once

#include <optional>
#include <string_view>

namespace weir::remote {

bool is_terminal(int descriptor) noexcept;
// Standard output is a terminal that shows colours, and nobody has asked for none (NO_COLOR, TERM=dumb).
bool shows_colour() noexcept;

// Asks on the terminal; anything but y or yes is no. nullopt: nobody is there to answer.
std::optional<bool> confirm(std::string_view question);

}  // namespace weir::remote
