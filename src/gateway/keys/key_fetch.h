// One document of an issuer, fetched by the control thread: a JWK set or a discovery document. The address is the
// operator's (or of a document at his address), the answer is a stranger's: bounded in size and time, no redirect
// followed, private addresses refused unless allowed (attacks C7). Called by key_keeper.cc only.
#pragma once

#include <chrono>
#include <expected>
#include <string>

#include "pipeline/key_source.h"
#include "upstream/directory.h"
#include "upstream/fetch.h"

namespace weir::gateway {

inline constexpr std::size_t kLargestKeyDocument = 1024 * 1024;
inline constexpr auto kKeyFetchTimeout = std::chrono::seconds(3);

// The error is a sentence without the address. `deadline` bounds looking up the name too.
io::Task<std::expected<upstream::Fetched, std::string>> fetch_key_document(
    io::Loop& loop, upstream::Directory& directory, http::BufferPool& buffers, const pipeline::KeySourceSpec& source,
    std::string url, io::TimePoint deadline, upstream::Cancellation* cancellation);

// How long the answer may be used before it is fetched again, by its Cache-Control (RFC 9111 §5.2.2), within bounds:
// an issuer asked every minute is not bothered, and a key taken back is not believed for more than an hour.
std::chrono::seconds freshness(std::string_view cache_control) noexcept;

}  // namespace weir::gateway
