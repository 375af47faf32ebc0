// The head of an HTTP message, whatever the wire protocol: what the codec fills, filters change and the proxy sends.
// Views point into the connection's head buffer or the exchange's arena; both outlive the exchange. One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "http/message/field_name.h"
#include "http/message/fields.h"

namespace weir::http {

enum class Version : std::uint8_t { http10, http11 };

// Methods with a meaning of their own here; any other token is `other` and is told by its text.
enum class Method : std::uint8_t { get, head, post, put, delete_, patch, options, trace, connect, other };

Method method_of(std::string_view token) noexcept;

// RFC 9110 §9.2.2: may be sent again after a connection failed under it.
constexpr bool idempotent(Method method) noexcept {
  return method == Method::get || method == Method::head || method == Method::put || method == Method::delete_ ||
         method == Method::options || method == Method::trace;
}

// How the end of a body is known (RFC 9112 §6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct RequestHead {
  Method method = Method::get;
  Version version = Version::http11;
  Framing framing = Framing::none;
  bool keep_alive = true;  // what the client asked for, by version and Connection
  bool expect_continue = false;
  bool upgrade = false;              // Connection: upgrade and an Upgrade field
  std::uint64_t content_length = 0;  // for Framing::length
  std::string_view method_text;
  std::string_view target;  // as received
  std::string_view host;    // Host as received; from the authority when the target is in absolute-form
  Fields fields;
};

struct ResponseHead {
  int status = 0;
  Version version = Version::http11;
  Framing framing = Framing::none;
  bool keep_alive = true;
  bool upgrade = false;
  std::uint64_t content_length = 0;
  std::string_view reason_phrase;  // not forwarded: HTTP/1.1 phrases carry no meaning (RFC 9112 §4)
  Fields fields;
};

}  // namespace weir::http
