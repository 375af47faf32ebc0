// limit_schema.h. Cold.
#include "filters/limits/limit_schema.h"

#include "base/json/quantity.h"
#include "filters/limits/limit_key.h"

namespace weir::filters {
namespace {

using namespace std::chrono_literals;

bool is_rate(std::string_view text, std::string& why) {
  if (parse_rate(text)) return true;
  why = "expected a whole number of requests per s, m, h or d, such as \"100/s\"";
  return false;
}

// Of a month that begins 31 days wide; see Gcra::kLongestFill.
constexpr auto kLongestPeriod = 24h * 30;

}  // namespace

Schema rate_schema() {
  return schema::one_of(
      {schema::string().named("rate").format(is_rate),
       schema::object({
           schema::field("requests", schema::integer(1, static_cast<std::int64_t>(Gcra::kMostRequests)))
               .required()
               .doc("How many."),
           schema::field("per", schema::duration(1ms, kLongestPeriod)).required().doc("In what time."),
       })});
}

Rate read_rate(const Json& value) {
  if (value.is_string()) return *parse_rate(value.as_string());
  const auto per = parse_duration(value.find("per")->as_string());
  return {static_cast<std::uint64_t>(value.find("requests")->as_integer()),
          static_cast<std::uint64_t>(per->count()) * 1000};
}

Schema mode_schema() { return schema::string().words({"local", "redis", "lease"}); }

ports::RateMode read_mode(std::string_view word) {
  if (word == "redis") return ports::RateMode::redis;
  return word == "lease" ? ports::RateMode::lease : ports::RateMode::local;
}

Field key_field(Literal doc) {
  return schema::field("key", schema::string().named("limit key").format(is_limit_key)).fallback("consumer").doc(doc);
}

Field name_field(Literal doc) {
  return schema::field("name", schema::string().named("limit name").format(is_limit_name)).doc(doc);
}

Field legacy_headers_field() {
  return schema::field("legacy_headers", schema::boolean())
      .fallback(false)
      .doc("true adds X-RateLimit-Limit, -Remaining and -Reset, for clients that know no others.");
}

std::string_view OwnScope::of(const pipeline::Exchange& exchange) const noexcept {
  if (!of_route) return text;
  return exchange.route != nullptr ? std::string_view(exchange.route->id) : std::string_view();
}

OwnScope own_scope(const Fields& fields, pipeline::MakeContext& context) {
  if (fields.has("name")) return {};
  const pipeline::MakeContext::Owner owner = context.owner();
  if (owner.origin == pipeline::Origin::route) return {.of_route = true, .text = {}};
  if (owner.name.empty()) return {};
  // No route's id: those have no spaces.
  return {.of_route = false, .text = std::string(text(owner.origin)) + " " + std::string(owner.name)};
}

void note_limit(ports::RateLimit& limit, const std::string& settings, pipeline::MakeContext& context,
                const Fields& fields, std::string_view field, Problems& problems) {
  using ports::RateLimit;
  const bool shared = limit.mode != ports::RateMode::local;
  const bool kept = limit.kind == RateLimit::Kind::quota && !shared;
  auto index = context.limit(limit.name, settings, shared, kept);
  if (index) {
    limit.index = *index;
  } else {
    problems.push_back(fields.problem(field, "the limit \"" + limit.name + "\" " + index.error()));
  }
}

}  // namespace weir::filters
