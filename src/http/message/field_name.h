// The header fields Weir itself has to know, as small numbers, so that the hot path compares integers and not text.
// Every other field is `FieldName::other` and is told by its text, without regard to case.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

enum class FieldName : std::uint8_t {
  other,
  accept_encoding,
  access_control_request_headers,
  access_control_request_method,
  authorization,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  http2_settings,
  keep_alive,
  location,
  origin,
  proxy_authenticate,
  proxy_authentication_info,
  proxy_authorization,
  proxy_connection,
  referer,
  server,
  te,
  trailer,
  transfer_encoding,
  traceparent,
  tracestate,
  upgrade,
  user_agent,
  vary,
  via,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_proto,
  x_real_ip,
  x_request_id,
};

// By length and first letter, then one comparison: a handful of nanoseconds.
FieldName field_name(std::string_view name) noexcept;

// The spelling Weir writes; empty for `other`.
std::string_view text(FieldName name) noexcept;

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace weir::http
