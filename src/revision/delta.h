// What changed between two documents, so that one route among 2,000 does not send them all. Objects are told apart by
// their identifying member (route_id of routes, name of upstreams, consumers, groups, policies, certificates and
// secrets). Made by the control plane, applied by gateways; the result is trusted only if its digest and signature
// are those of the revision it claims to be. Pure functions; any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/json/json.h"
#include "revision/signed.h"

namespace weir::revision {

// How many objects were added, changed and removed, for people and for the shrink guard.
struct Extent {
  std::size_t added = 0;
  std::size_t changed = 0;
  std::size_t removed = 0;
  std::size_t before = 0;  // objects in the older document
};

// `from` and `to` are documents (objects of lists, see the note above). The delta of equal documents is empty.
Json difference(const Json& from, const Json& to);
Extent extent(const Json& from, const Json& to);

// difference(a, b) applied to a gives b. The error is a sentence: the delta is not one, or does not fit `from`.
std::expected<Json, std::string> apply(const Json& from, const Json& delta);

// A delta that can be sent: it names the digest it starts from and carries number, made_at, digest and signature of
// the revision it leads to.
std::string encode_delta(const Signed& from, const Signed& to);
// The whole revision that `bytes` lead to from `from`, its digest checked against the document made; the caller
// verifies the signature as of any other. An error means: fetch the document instead.
std::expected<Signed, std::string> apply_delta(const Signed& from, std::string_view bytes);

}  // namespace weir::revision
