// What gateways make of a revision, as they tell: waits until all of them run it, one refuses it, or the time is
// over, and says so line by line. Used by apply, publish and rollback. Blocking; the command's thread.
#pragma once

#include "app/operator/session/server.h"

namespace weir::remote {

// The exit code: kOk if every gateway that is not away runs it, else kNotReached. Prints on standard output, and what
// is wrong on standard error.
int wait_for_gateways(Server& server, std::int64_t revision, milliseconds patience);

// The answer to a publication: says the number, the warnings and what changed.
void tell_published(const Json& published);

// Of an option such as "30s"; the error names the option.
Outcome<milliseconds> parse_patience(std::string_view text);

// A number of an answer; 0: it has none of that name.
std::int64_t number_in(const Json& object, std::string_view name);
std::string_view text_in(const Json& object, std::string_view name);

}  // namespace weir::remote
