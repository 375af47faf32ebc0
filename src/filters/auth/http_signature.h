// HTTP Message Signatures (RFC 9421), the part that the filter hmac needs: reading Signature-Input and Signature, and
// the base that was signed. Components may be header fields and the derived ones of a request, without parameters.
// Pure, over one exchange; its thread.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/exchange.h"

namespace weir::filters {

struct HttpSignature {
  // Twice what a client of ours would sign; each is a pass over the header.
  static constexpr std::size_t kMostComponents = 32;

  std::string_view label;
  std::string_view input;  // the member's value, as sent: what @signature-params stands for
  std::array<std::string_view, kMostComponents> components;  // without their quotes
  std::size_t count = 0;
  std::string_view key_id, algorithm, nonce, tag;
  std::optional<std::int64_t> created, expires;
  std::string signature;  // decoded

  std::span<const std::string_view> covered() const noexcept { return {components.data(), count}; }
};

// All views point into the request's fields. The error is a static sentence: what is malformed, or not of the part
// that is understood. Several signatures: the first whose keyid `wanted` takes. nullopt: none is sent.
std::expected<std::optional<HttpSignature>, std::string_view> read_signature(
    const http::Fields& fields, bool (*wanted)(const void*, std::string_view), const void* context);

// §2.5. The error says which kind of component the request does not have.
std::expected<std::string, std::string_view> signature_base(const pipeline::Exchange& exchange,
                                                            const HttpSignature& signature);

}  // namespace weir::filters
