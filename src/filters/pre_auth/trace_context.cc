// Filter trace_context: W3C Trace Context Level 2. Continues the caller's trace or begins one, and makes Weir a span
// of it: the upstream sees our span as its parent. It exports no spans; the ids are in the access log. Exchange's
// thread.
#include <cmath>

#include "base/hex.h"
#include "base/random.h"
#include "filters/config/config.h"
#include "filters/pre_auth/specs.h"
#include "filters/pre_auth/traceparent.h"

namespace weir::filters {
namespace {

using http::FieldName;
using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Verdict;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("trust", schema::string().words({"always", "trusted_proxies"}))
          .fallback("always")
          .doc(
              "Whose trace is continued: everybody's, or only that of peers in `trusted_proxies`; others begin a new "
              "one."),
      schema::field("sample", schema::number(0, 1))
          .fallback(1)
          .doc("The share of new traces that are marked as sampled. A continued trace keeps the caller's mark."),
  });
  return kSchema;
}

std::uint64_t random_id() noexcept {
  while (true) {
    if (const std::uint64_t id = fast_random(); id != 0) return id;  // all zero is no id (§3.2.2.4)
  }
}

// The one traceparent, if it is to be believed: with two of them nobody can say which (§4.3 step 1: a new trace).
std::optional<Traceparent> inbound(const http::Fields& fields) noexcept {
  const http::Field* found = nullptr;
  for (const http::Field& field : fields) {
    if (field.id != FieldName::traceparent) continue;
    if (found != nullptr) return std::nullopt;
    found = &field;
  }
  return found != nullptr ? parse_traceparent(found->value) : std::nullopt;
}

class TraceContext final : public pipeline::Filter {
 public:
  TraceContext(bool trust_all, double sample)
      : trust_all_(trust_all),
        sample_all_(sample >= 1),
        sampled_below_(sample >= 1 ? 0 : static_cast<std::uint64_t>(std::ldexp(sample, 64))) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    http::Fields& fields = exchange.request.fields;
    std::optional<Traceparent> parent;
    if (trust_all_ || exchange.peer_trusted) parent = inbound(fields);
    std::string_view state;
    if (parent) state = join_tracestate(fields, exchange.arena);
    const std::uint8_t flags = parent ? parent->flags : new_flags();

    // "00-" trace-id "-" parent-id "-" flags
    char* const out = exchange.arena.allocate(55);
    std::memcpy(out, "00-", 3);
    if (parent) {
      std::memcpy(out + 3, parent->trace_id.data(), 32);
    } else {
      write_hex(write_hex(out + 3, random_id(), 8), fast_random(), 8);
    }
    out[35] = '-';
    write_hex(out + 36, random_id(), 8);
    out[52] = '-';
    write_hex(out + 53, flags, 1);
    exchange.trace_id = {out + 3, 32};
    exchange.span_id = {out + 36, 16};

    fields.set(FieldName::traceparent, {out, 55});
    if (state.empty()) {
      fields.remove(FieldName::tracestate);
    } else {
      fields.set(FieldName::tracestate, state);
    }
    return Verdict::next();
  }

 private:
  std::uint8_t new_flags() const noexcept {
    const bool sampled = sample_all_ || fast_random() < sampled_below_;
    return static_cast<std::uint8_t>(kRandomTraceId | (sampled ? kSampled : 0));
  }

  bool trust_all_;
  bool sample_all_;
  std::uint64_t sampled_below_;  // of 2^64
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  return std::make_unique<TraceContext>(fields.string("trust") == "always", fields.number("sample"));
}

}  // namespace

pipeline::FilterSpec trace_context_spec() {
  return {"trace_context", pipeline::Phase::pre_auth,
          "Continues or begins a W3C trace and tells it to the upstream and the access log.", schema_of, make};
}

}  // namespace weir::filters
