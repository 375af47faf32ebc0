// Filters for compile's tests: with the names, phases and hooks of the real ones and configs small enough to read, so
// that a golden case does not change when a real filter learns something.
#pragma once

#include "base/json/fields.h"
#include "pipeline/exchange.h"
#include "pipeline/filter.h"

namespace weir::snapshot::fake {

using pipeline::Filter;
using pipeline::FilterSpec;
using pipeline::Hooks;
using pipeline::Phase;
using Made = std::expected<std::unique_ptr<Filter>, Problems>;

struct Plain : Filter {
  Hooks has;
  bool answers = false;
  std::vector<std::string> captures;

  Hooks hooks() const noexcept override { return has; }
  bool always_answers() const noexcept override { return answers; }
  std::vector<std::string_view> captures_used() const override { return {captures.begin(), captures.end()}; }
};

struct Proxy : pipeline::Execution {
  Hooks hooks() const noexcept override { return {}; }
  io::Task<Result<void>> execute(pipeline::Exchange&) const override { co_return Result<void>(); }
};

inline std::unique_ptr<Plain> plain(Hooks hooks) {
  auto out = std::make_unique<Plain>();
  out->has = hooks;
  return out;
}

inline const Schema& no_config() {
  static const Schema kSchema = schema::object({});
  return kSchema;
}

inline const Schema& origins() {
  static const Schema kSchema =
      schema::object({schema::field("allow_origins", schema::array(schema::string().named("origin").min_length(3)))});
  return kSchema;
}

// `use` names a capture; the value "bad" passes the schema and is refused by make().
inline const Schema& headers_schema() {
  static const Schema kSchema =
      schema::object({schema::field("use", schema::string()), schema::field("set", schema::array(schema::string()))});
  return kSchema;
}

inline Made make_headers(const Json& config, pipeline::MakeContext&) {
  auto out = plain({.request = true, .response = true});
  if (const Json* use = config.find("use")) out->captures.emplace_back(use->as_string());
  const Fields fields(config, headers_schema());
  Problems problems;
  for (std::size_t i = 0; i < fields.items("set").size(); ++i) {
    if (fields.items("set")[i].as_string() == "bad") {
      problems.push_back({{}, item_path("set", i), "\"bad\" is no template", "write a good one"});
    }
  }
  if (!problems.empty()) return std::unexpected(problems);
  return out;
}

inline const Schema& redirect_schema() {
  static const Schema kSchema = schema::object({schema::field("to", schema::string()).required()});
  return kSchema;
}

inline Made make_answering(const Json&, pipeline::MakeContext&) {
  auto out = plain({.request = true});
  out->answers = true;
  return out;
}

inline pipeline::FilterTable table() {
  static const std::array kTable = {
      FilterSpec{
          "request_id", Phase::pre_auth, "", no_config,
          [](const Json&, pipeline::MakeContext&) -> Made { return plain({.request = true, .response = true}); }, -1},
      FilterSpec{"ip_filter", Phase::pre_auth, "", no_config,
                 [](const Json&, pipeline::MakeContext&) -> Made { return plain({.request = true}); }},
      FilterSpec{"key", Phase::auth, "", no_config,
                 [](const Json&, pipeline::MakeContext&) -> Made { return plain({.request = true}); }},
      FilterSpec{"require_identity", Phase::routing, "", no_config,
                 [](const Json&, pipeline::MakeContext&) -> Made { return plain({.request = true}); }, -1},
      FilterSpec{
          "cors", Phase::pre_auth, "", origins,
          [](const Json&, pipeline::MakeContext&) -> Made { return plain({.request = true, .response = true}); }},
      FilterSpec{"headers", Phase::transformation, "", headers_schema, make_headers},
      FilterSpec{"redirect", Phase::execution, "", redirect_schema, make_answering},
      FilterSpec{"respond", Phase::execution, "", no_config, make_answering},
      FilterSpec{"proxy", Phase::execution, "", no_config,
                 [](const Json&, pipeline::MakeContext&) -> Made { return std::make_unique<Proxy>(); }},
      FilterSpec{"access_log", Phase::post_execution, "", no_config,
                 [](const Json&, pipeline::MakeContext&) -> Made { return plain({.finish = true}); }, 1},
  };
  return kTable;
}

}  // namespace weir::snapshot::fake
