// The Date field of responses (RFC 9110 §6.6.1, §5.6.7): pipeline/respond and the admin
// address ask for it. It reads no dates. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" of `second` since the epoch, not before it and before the year 10000. Made once a
// second and kept per thread: the view changes at this thread's next call for another second.
std::string_view date_text(std::int64_t second) noexcept;

// Of now, by the kernel's coarse clock: at most a tick (4 ms) late, which a field of whole seconds does not show.
std::string_view date_now() noexcept;

}  // namespace weir::http
