// By what a limit tells callers apart: the `key` of rate_limit, quota and concurrency_limit. Read by make(), asked on
// every request; views into the exchange.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "filters/config/config.h"
#include "pipeline/exchange.h"

namespace weir::filters {

class LimitKey {
 public:
  enum class Kind : std::uint8_t { consumer, group, service, route, credential, header, ip, constant };

  LimitKey() = default;  // consumer
  // A text that is_limit_key() let through.
  explicit LimitKey(std::string_view text);

  // By what this request counts, at most kMost times: once for each of the caller's groups, else once. Never empty.
  // Who is not known (no consumer, group or credential; a request without the header) is told by the client's
  // address, so that saying nothing never helps; a header that comes several times by all its values (RFC 9110 §5.3),
  // so that doubling it does not choose one. With the kind in it: a consumer is never taken for an address. In the
  // exchange's arena, as what it points to.
  std::span<const std::string_view> of(pipeline::Exchange& exchange) const;
  // Of groups beyond it nothing is counted: more than anybody has been seen to need, and each is a bucket to ask.
  static constexpr std::size_t kMost = 16;

  Kind kind() const noexcept { return kind_; }

 private:
  std::string_view one(pipeline::Exchange& exchange) const;

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
