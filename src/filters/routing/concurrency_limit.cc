// Filter concurrency_limit: how many requests of one caller may be in flight at once in this instance. A request
// takes its seat here and leaves it when the exchange is over, whatever became of it: also when the client has gone.
// Exchange's thread.
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

// A worker has 10,000 connections unless told otherwise; a count has room for 2^24.
constexpr std::int64_t kMost = 1'000'000;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("most", schema::integer(1, kMost))
          .required()
          .doc("How many requests of one key may be in flight at once, in each instance. More are 429."),
      key_field(),
      name_field(),
      legacy_headers_field(),
  });
  return kSchema;
}

class ConcurrencyLimit final : public pipeline::Filter {
 public:
  ConcurrencyLimit(RateLimit limit, LimitKey key, OwnScope scope, bool legacy)
      : limit_(std::move(limit)), key_(std::move(key)), scope_(std::move(scope)), legacy_(legacy) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = true, .finish = true}; }

  Verdict on_request(Exchange& exchange) const override {
    ports::RateStore* const store = exchange.lease.services.rates;
    if (store == nullptr) return Verdict::refuse(Reason::internal, "this process keeps no limits");
    const std::span<const std::string_view> keys = key_.of(exchange);
    const std::span<RateAsk> asks = questions(exchange, keys.size());
    std::array<ports::RateStore::Seat, LimitKey::kMost> seats{};
    std::size_t taken = 0;
    for (; taken < keys.size(); ++taken) {
      asks[taken] = {.limit = &limit_, .scope = scope_.of(exchange), .key = keys[taken]};
      seats[taken] = store->enter(asks[taken]);
      if (seats[taken] == nullptr) break;
    }
    const bool all = taken == keys.size();
    if (!all || !exchange.limited.can_hold(taken)) {
      for (std::size_t i = 0; i < taken; ++i) store->leave(seats[i]);
      if (all) return Verdict::refuse(Reason::internal, "more concurrency limits than one request can hold");
    } else {
      for (std::size_t i = 0; i < taken; ++i) exchange.limited.hold(seats[i]);
    }
    return conclude(exchange, asks, Reason::concurrency_limited);
  }

  void on_response(Exchange& exchange) const override { tell(exchange, legacy_); }

  void on_finish(Exchange& exchange) const override {
    if (exchange.lease.services.rates != nullptr) exchange.limited.leave_all(*exchange.lease.services.rates);
  }

 private:
  RateLimit limit_;
  LimitKey key_;
  OwnScope scope_;
  bool legacy_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  const std::string key(fields.string("key"));
  RateLimit limit;
  limit.kind = RateLimit::Kind::concurrency;
  limit.most = static_cast<std::uint64_t>(fields.integer("most"));
  limit.name = fields.has("name") ? std::string(fields.string("name")) : "concurrency:" + key;
  // Limits without a name are not one another's business: each route has its own.
  const std::string settings =
      "concurrency_limit " + (fields.has("name") ? std::to_string(limit.most) + " by " + key : key);
  Problems problems;
  note_limit(limit, settings, context, fields, fields.has("name") ? "name" : "most", problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_unique<ConcurrencyLimit>(std::move(limit), LimitKey(key), own_scope(fields, context),
                                            fields.boolean("legacy_headers"));
}

}  // namespace

pipeline::FilterSpec concurrency_limit_spec() {
  return {"concurrency_limit", pipeline::Phase::routing,
          "Limits how many requests of a caller are in flight at once.", schema_of, make};
}

}  // namespace weir::filters
