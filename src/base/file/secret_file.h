// A file with a secret that is made when it is missing: the key that signs revisions, the key that secrets are sealed
// by. Used by app/control/control_keys.cc. Blocking.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace weir {

// The text of `file`; if it is not there, what `make` gives is written first, whole or not at all, readable by its
// owner only; an error of `make` is passed on. Of several processes that do so at once one wins, and all return its
// text. `what` names it in errors, which are sentences.
std::expected<std::string, std::string> read_or_make_secret(
    const std::string& file, std::string_view what,
    const std::function<std::expected<std::string, std::string>()>& make);

}  // namespace weir
