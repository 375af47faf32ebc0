// Filter rate_limit: token buckets, several at once, and the route's rate_limit_rps. The strictest answers: a request
// that one bucket refuses takes nothing from the others. Where buckets are kept is the store's matter
// (ports/rate_store.h): local ones decide here and now, shared ones may have to wait. Exchange's thread.
#include <array>

#include "filters/config/config.h"
#include "filters/limits/limit_answer.h"
#include "filters/limits/limit_key.h"
#include "filters/limits/limit_schema.h"
#include "filters/routing/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;
using ports::RateAsk;
using ports::RateLimit;

// Of one request, rate_limit_rps among them: more than anybody has been seen to stack.
constexpr std::size_t kMost = 8;
constexpr std::string_view kRpsName = "rate_limit_rps";

const Schema& limit_schema() {
  static const Schema kSchema = schema::object({
      schema::field("rate", rate_schema())
          .required()
          .doc("\"100/s\" (or /m, /h, /d), or {requests: 100, per: 30s}. Requests come back evenly, one by one."),
      schema::field("burst", schema::integer(1, static_cast<std::int64_t>(Gcra::kMostRequests)))
          .doc("How many may come at once after a pause. Without it, as many as `rate` has requests."),
      key_field(
          "By what callers are told apart: consumer, group (each of the caller's), credential, ip (IPv6 by /64), "
          "header:NAME, route, service, or constant for everybody together. A caller without it is told by its "
          "address."),
      name_field("For the RateLimit fields, the log and the metrics. A named limit is one and the same wherever the "
                 "name stands; one without is each route's own (or its upstream's, group's or consumer's), and "
                 "called by its "
                 "key and rate."),
      schema::field("mode", mode_schema())
          .doc("Where it is kept: local (each instance for itself), redis (exact, one round trip), lease (fetched "
               "from Redis in blocks). Without it, as the filter's `mode`."),
  });
  return kSchema;
}

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("limits", schema::array(limit_schema()).max_items(kMost - 1))
          .fallback(Json::array())
          .doc("All are enforced; the strictest answers. Besides them, the route's rate_limit_rps."),
      schema::field("mode", mode_schema())
          .fallback("local")
          .doc("Of the limits that do not say their own, and of rate_limit_rps. local, because it needs nothing "
               "else."),
      legacy_headers_field(),
  });
  return kSchema;
}

struct Rule {
  RateLimit limit;
  Gcra bucket;
  LimitKey key;
  OwnScope scope;
};

class RateLimitFilter final : public pipeline::Filter {
 public:
  RateLimitFilter(std::vector<Rule> rules, RateLimit rps, bool counts_rps, bool legacy)
      : rules_(std::move(rules)), rps_(std::move(rps)), counts_rps_(counts_rps), legacy_(legacy) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = true, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const bool rps = counts_rps_ && exchange.route != nullptr && exchange.route->rate_bucket;
    std::array<std::span<const std::string_view>, kMost> keys;
    std::size_t count = rps ? 1 : 0;
    for (std::size_t i = 0; i < rules_.size(); ++i) count += (keys[i] = rules_[i].key.of(exchange)).size();
    if (count == 0) return Verdict::next();
    const std::span<RateAsk> asks = questions(exchange, count);
    auto ask = asks.begin();
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const Rule& rule = rules_[i];
      for (const std::string_view key : keys[i])
        *ask++ = {.limit = &rule.limit, .bucket = &rule.bucket, .scope = rule.scope.of(exchange), .key = key};
    }
    if (rps) {
      *ask = {.limit = &rps_,
              .bucket = &*exchange.route->rate_bucket,
              .scope = exchange.route->id,
              .key = LimitKey().of(exchange).front()};
    }
    return decide(exchange, asks, Reason::rate_limited);
  }

  io::Task<Verdict> wait(Exchange& exchange) const override { return decide_waiting(exchange, Reason::rate_limited); }

  void on_response(Exchange& exchange) const override { tell(exchange, legacy_); }

 private:
  std::vector<Rule> rules_;
  RateLimit rps_;
  bool counts_rps_;
  bool legacy_;
};

Rule read_rule(const Fields& fields, std::string_view mode, pipeline::MakeContext& context, Problems& problems) {
  const Rate rate = read_rate(*fields.find("rate"));
  const std::string_view key = fields.string("key");
  const std::uint64_t burst =
      fields.has("burst") ? static_cast<std::uint64_t>(fields.integer("burst")) : rate.requests;
  Rule out;
  out.key = LimitKey(key);
  out.scope = own_scope(fields, context);
  out.limit.name =
      fields.has("name") ? std::string(fields.string("name")) : std::string(key) + ":" + format_rate(rate);
  out.limit.mode = read_mode(fields.has("mode") ? fields.string("mode") : mode);
  if (const auto bucket = Gcra::make(rate.requests, rate.period, burst)) {
    out.bucket = *bucket;
  } else {
    problems.push_back(fields.problem(fields.has("burst") ? "burst" : "rate",
                                      "the bucket would take more than 31 days to fill",
                                      "a calendar quota (filter quota) may be what is meant"));
    return out;
  }
  std::string settings = "rate_limit " + format_rate(rate) + " by " + std::string(key);
  // Limits without a name are not one another's business: each route has its own.
  if (fields.has("name"))
    settings += " burst " + std::to_string(burst) + " mode " + std::to_string(static_cast<int>(out.limit.mode));
  note_limit(out.limit, settings, context, fields,
             fields.has("mode")   ? "mode"
             : fields.has("name") ? "name"
                                  : "rate",
             problems);
  return out;
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  Problems problems;
  std::vector<Rule> rules;
  for (const Fields& one : fields.objects("limits")) {
    Rule rule = read_rule(one, fields.string("mode"), context, problems);
    for (const Rule& before : rules)
      if (before.limit.name == rule.limit.name)
        problems.push_back(one.problem("rate", "is the second limit \"" + rule.limit.name + "\" of this filter",
                                       "give it a name of its own, or keep one of the two"));
    rules.push_back(std::move(rule));
  }
  RateLimit rps;
  rps.name = kRpsName;
  rps.mode = read_mode(fields.string("mode"));
  note_limit(rps, std::string(kRpsName), context, fields, "mode", problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  // rate_limit_rps is short for a rate_limit of the route, and that is what a caller's own stands in place of.
  const pipeline::Origin origin = context.owner().origin;
  const bool counts_rps = origin != pipeline::Origin::consumer && origin != pipeline::Origin::group;
  return std::make_unique<RateLimitFilter>(std::move(rules), std::move(rps), counts_rps,
                                           fields.boolean("legacy_headers"));
}

}  // namespace

pipeline::FilterSpec rate_limit_spec() {
  return {"rate_limit", pipeline::Phase::routing,
          "Limits how many requests a consumer, a group, an address or all together may make in a time.", schema_of,
          make};
}

}  // namespace weir::filters
