// The ONE canonical path of a request, and the canonical form of its authority. Called once per request by the
// server; the router, policy, access log and upstream all see what comes out of here and never the received target.
// Also called when a config is compiled, to check patterns and hosts. Pure functions: any thread, nothing is kept. It
// does not decide routes, does not compare Host with TLS names, and never decodes a byte that carries meaning.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace weir::http {

// RFC 9112 §3.2. The fourth, authority-form, belongs to CONNECT and is refused.
enum class TargetForm : std::uint8_t { origin, absolute, asterisk };

struct CanonicalOptions {
  // Keep %2F and %5C in the path (upper-cased, never decoded) instead of refusing them. A dot segment right beside
  // one stays refused, because a server that decodes it would climb.
  bool allow_encoded_slash = false;
};

struct CanonicalTarget {
  std::string_view path;       // begins with '/'; or is "*" for TargetForm::asterisk
  std::string_view query;      // as received, without '?'
  std::string_view authority;  // of an absolute-form target, NOT yet checked: give it to parse_authority. Else empty
  bool has_query = false;      // tells "/a?" from "/a"
  bool empty_path = false;     // "http://host": with OPTIONS this means "*" (RFC 9112 §3.2.4); `path` is "/"
  bool https = false;          // the scheme of an absolute-form target
  TargetForm form = TargetForm::origin;
};

// The canonical form of a path (RFC 3986 §6.2.2, and stricter):
//  - percent-encoded unreserved characters are decoded, the hex digits of the others upper-cased; one pass only, so
//  that
//    %252e stays %252e. The printable characters RFC 3986 has no place for ("<>[]^`{|}) are percent-encoded.
//  - "//" becomes "/", then "." and ".." segments (encoded ones too) are removed; climbing above the root is an
//  error.
//  - ";x=1" parameters and %3B are kept, as part of their segment, except behind a dot segment.
// Errors, all bad_path: %2F, %5C (see CanonicalOptions), %00, '\', '#', control bytes, space, raw bytes above 0x7E,
// invalid %XX, percent-encoded bytes that are not UTF-8 (overlong forms such as %C0%AE included), dot segments with
// parameters ("..;", ".%3Bx"), a target of no known form.
// The query is forwarded as received, an invalid %XX too: no one decides anything by it before it is parsed, and real
// clients send "100%". Only what could break the request line or be cut off is refused: controls, space, non-ASCII,
// '#'.
//
// A path that is already canonical is returned as a view into `target`. Otherwise `path` points into `scratch`, which
// the caller owns, reuses and keeps as long as the views. canonicalize(canonicalize(x)) == canonicalize(x). Cost:
// linear in the target, whose length the caller has limited.
Result<CanonicalTarget> canonicalize(std::string_view target, CanonicalOptions options, std::string& scratch);

struct Authority {
  std::string_view host;   // lower case, without a trailing dot; "[::1]" for IPv6, in its RFC 5952 form
  std::uint16_t port = 0;  // 0: none given
};

// Host [":" port] (RFC 9110 §7.2) as in the Host field, an absolute-form target or a route's `hosts`. An empty text
// is an empty host: a client whose target has no authority must send that. Errors, all bad_request: user information,
// comma, space or any other byte outside letters, digits, "-._~"; an empty label; a host over 253 or a label over 63
// bytes (RFC 1035 §2.3.4); a bad IPv6 literal, IPvFuture or a zone; port empty, zero, with a leading zero or above
// 65535; a port without a host. An IPv4-mapped IPv6 literal is that IPv4 address (base/ip.h). `host` is a view into
// `text` when it was canonical, else into `scratch`.
Result<Authority> parse_authority(std::string_view text, std::string& scratch);

}  // namespace weir::http
