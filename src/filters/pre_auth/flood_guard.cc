// Filter flood_guard: a bucket per client address, before anything is spent on who calls. Local to the instance and
// always at hand; the limits that mean something to people are rate_limit's. Exchange's thread.
#include "filters/config/config.h"
#include "filters/limits/limit_answer.h"
#include "filters/limits/limit_key.h"
#include "filters/limits/limit_schema.h"
#include "filters/pre_auth/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;
using ports::RateAsk;
using ports::RateLimit;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("rate", rate_schema())
          .required()
          .doc("Requests that one address may make, for each instance. No default: behind an office's or a phone "
               "company's NAT one address is thousands of people."),
      schema::field("burst", schema::integer(1, static_cast<std::int64_t>(Gcra::kMostRequests)))
          .doc("How many may come at once after a pause. Without it, as many as `rate` has requests."),
      schema::field("ipv6_prefix", schema::integer(1, 128))
          .fallback(64)
          .doc("How much of an IPv6 address counts. 64: whoever has one address of a /64 has them all."),
  });
  return kSchema;
}

class FloodGuard final : public pipeline::Filter {
 public:
  FloodGuard(RateLimit limit, const Gcra& bucket, int v6_prefix)
      : limit_(std::move(limit)), bucket_(bucket), v6_prefix_(v6_prefix) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = true, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const std::span<RateAsk> asks = questions(exchange, 1);
    asks[0].limit = &limit_;
    asks[0].bucket = &bucket_;
    asks[0].key = address_key(exchange, v6_prefix_);
    return decide(exchange, asks, Reason::flooded);  // at once: it is local
  }

  void on_response(Exchange& exchange) const override { tell(exchange, false); }

 private:
  RateLimit limit_;
  Gcra bucket_;
  int v6_prefix_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  const Rate rate = read_rate(*fields.find("rate"));
  const std::uint64_t burst =
      fields.has("burst") ? static_cast<std::uint64_t>(fields.integer("burst")) : rate.requests;
  const auto bucket = Gcra::make(rate.requests, rate.period, burst);
  Problems problems;
  if (!bucket) problems.push_back(fields.problem("burst", "the bucket would take more than 31 days to fill"));
  RateLimit limit;
  limit.name = "flood_guard";
  limit.quiet = true;
  note_limit(limit, "flood_guard", context, fields, "rate", problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_unique<FloodGuard>(std::move(limit), *bucket, static_cast<int>(fields.integer("ipv6_prefix")));
}

}  // namespace

pipeline::FilterSpec flood_guard_spec() {
  return {"flood_guard", pipeline::Phase::pre_auth, "Limits how many requests one address may make.", schema_of,
          make};
}

}  // namespace weir::filters
