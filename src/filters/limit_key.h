// By what a limit tells callers apart: the `key` of rate_limit, quota and concurrency_limit. Read by make(), asked on
// every request; views into the exchange.
#pragma once

#include <string>
#include <string_view>

#include "filters/config.h"
#include "pipeline/exchange.h"

namespace weir::filters {

class LimitKey {
 public:
  enum class Kind : std::uint8_t { consumer, group, service, route, credential, header, ip, constant };

  LimitKey() = default;  // consumer
  // A text that is_limit_key() let through.
  explicit LimitKey(std::string_view text);

  // Never empty. Who is not known (no consumer, group or credential; a request without the header) is told by the
  // client's address, so that saying nothing never helps. With the kind in it: a consumer is never taken for an
  // address. In the exchange's arena.
  std::string_view of(pipeline::Exchange& exchange) const;

  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_ = Kind::consumer;
  FieldRef header_;
};

// FormatCheck: consumer, group, service, route, credential, ip, constant, or header:NAME.
bool is_limit_key(std::string_view text, std::string& why);
// FormatCheck: 1 to 64 letters, digits and . _ - : /
bool is_limit_name(std::string_view text, std::string& why);

// The client's address as key: an IPv6 address counts by its first `v6_prefix` bits, since whoever has one address
// there has all of them (RFC 6177 §2). In the exchange's arena.
std::string_view address_key(pipeline::Exchange& exchange, int v6_prefix = 64);

}  // namespace weir::filters
