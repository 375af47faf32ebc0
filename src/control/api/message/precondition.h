// Which version a write is about (RFC 9110 §13): ETag, If-Match, If-None-Match. Two operators who edit at once cannot
// overwrite each other: a write says what it has seen, and control/changes/changes.h compares. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "control/api/message/problem.h"
#include "control/changes/changes.h"

namespace weir::control::api {

// "\"17\"": strong; the version is unique over all objects and times.
std::string etag(std::uint64_t version);

// What the request expects of what it writes; `unsaid` is what it expects if it says nothing. Of If-Match one tag is
// taken, or *; one of another form than ours is no version of anything, so it is stale whatever is there.
Outcome<Expected> expected(const ApiRequest& request, Expected unsaid = {});

// If-None-Match of a GET names this version: 304.
bool not_modified(const ApiRequest& request, std::uint64_t version) noexcept;

}  // namespace weir::control::api
