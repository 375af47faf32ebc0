// Filter quota: so many requests in a calendar day or month, which begin at midnight in UTC or at an offset from it.
// It goes by the wall clock, as calendars do; rate_limit does not. Counts survive a restart: in Redis, or in a file
// (limits/quota_file.h says how much a crash may cost). Exchange's thread.
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

// Room of a count in the store: 40 bits.
constexpr std::int64_t kMost = 1'000'000'000'000;

bool is_offset(std::string_view text, std::string& why) {
  why = "expected an offset from UTC such as \"+02:00\", or \"Z\"";
  return parse_utc_offset(text).has_value();
}

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("most", schema::integer(1, kMost)).required().doc("How many requests in a period. More are 429."),
      schema::field("per", schema::string().words({"day", "month"})).required().doc("The period: a day or a month."),
      schema::field("begins", schema::string().named("offset from UTC").format(is_offset))
          .fallback("Z")
          .doc("Where its midnight is: \"Z\" for UTC, or an offset such as \"+02:00\". Offsets do not change with "
               "summer time: a day then would have 23 hours."),
      key_field(),
      name_field(),
      schema::field("mode", schema::string().words({"local", "redis"}))
          .fallback("local")
          .doc("local: each instance for itself, kept in `state_dir`. redis: all instances together."),
      legacy_headers_field(),
  });
  return kSchema;
}

class Quota final : public pipeline::Filter {
 public:
  Quota(RateLimit limit, LimitKey key, OwnScope scope, bool legacy)
      : limit_(std::move(limit)), key_(std::move(key)), scope_(std::move(scope)), legacy_(legacy) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = true, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const std::span<const std::string_view> keys = key_.of(exchange);
    const std::span<RateAsk> asks = questions(exchange, keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
      asks[i] = {.limit = &limit_,
                 .scope = scope_.of(exchange),
                 .key = keys[i],
                 .wall = exchange.wall_started_us / 1'000'000};
    return decide(exchange, asks, Reason::quota_exceeded);
  }

  io::Task<Verdict> wait(Exchange& exchange) const override {
    return decide_waiting(exchange, Reason::quota_exceeded);
  }

  void on_response(Exchange& exchange) const override { tell(exchange, legacy_); }

 private:
  RateLimit limit_;
  LimitKey key_;
  OwnScope scope_;
  bool legacy_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  const std::string key(fields.string("key")), per(fields.string("per")), begins(fields.string("begins"));
  RateLimit limit;
  limit.kind = RateLimit::Kind::quota;
  limit.mode = read_mode(fields.string("mode"));
  limit.most = static_cast<std::uint64_t>(fields.integer("most"));
  limit.period = per == "month" ? CalendarPeriod::month : CalendarPeriod::day;
  limit.utc_offset = *parse_utc_offset(begins);
  limit.name = fields.has("name") ? std::string(fields.string("name")) : "quota:" + key + ":" + per;
  std::string settings = "quota per " + per + " by " + key;
  if (fields.has("name"))
    settings += " from " + begins + ", " + std::to_string(limit.most) + ", " + std::string(fields.string("mode"));
  Problems problems;
  note_limit(limit, settings, context, fields, fields.has("name") ? "name" : "mode", problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_unique<Quota>(std::move(limit), LimitKey(key), own_scope(fields, context),
                                 fields.boolean("legacy_headers"));
}

}  // namespace

pipeline::FilterSpec quota_spec() {
  return {"quota", pipeline::Phase::routing, "So many requests in a calendar day or month.", schema_of, make};
}

}  // namespace weir::filters
