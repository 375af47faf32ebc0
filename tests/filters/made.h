// Filters made as compile makes them: the schema first, then make().
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "filters/table.h"
#include "pipeline/make_context.h"
#include "tests/pipeline/scene.h"

namespace weir::filters {

// A config with nothing around it: filters that need an outside service or a file bring a context of their own.
class NoContext final : public pipeline::MakeContext {
 public:
  std::expected<pipeline::Endpoint, std::string> endpoint(std::string_view) override {
    return std::unexpected(std::string("no services here"));
  }
  std::expected<std::string, std::string> file(std::string_view) override {
    return std::unexpected(std::string("no files here"));
  }
  void warn(std::string) override {}
};

using Outcome = std::expected<std::unique_ptr<pipeline::Filter>, Problems>;

inline Outcome outcome(const pipeline::FilterSpec& spec, std::string_view config) {
  const auto json = parse_json(config);
  if (!json) return std::unexpected(Problems{json.error()});
  if (Problems problems = check(*json, spec.schema()); !problems.empty()) return std::unexpected(problems);
  NoContext context;
  return spec.make(*json, context);
}

// Kept until the program ends: as a snapshot's filters do, it outlives the exchanges whose fields point into it.
inline const pipeline::Filter* made(const pipeline::FilterSpec& spec, std::string_view config = "{}") {
  static std::vector<std::unique_ptr<pipeline::Filter>> kept;
  Outcome out = outcome(spec, config);
  if (!out) {
    ADD_FAILURE() << spec.name << ": " << describe(out.error()[0], "config");
    std::abort();
  }
  kept.push_back(std::move(*out));
  return kept.back().get();
}

// The mistakes in it, one a line, without positions; empty if there are none.
inline std::string mistakes(const pipeline::FilterSpec& spec, std::string_view config) {
  const Outcome out = outcome(spec, config);
  if (out) return {};
  std::string text;
  for (Problem problem : out.error()) {
    problem.position = {};
    text.append(text.empty() ? "" : "\n").append(describe(problem, "").substr(2));  // without ": "
  }
  return text;
}

inline bool passes(const pipeline::Verdict& verdict) { return verdict.kind == pipeline::Verdict::Kind::next; }
inline bool answers(const pipeline::Verdict& verdict) { return verdict.kind == pipeline::Verdict::Kind::answer; }
// The word of the refusal, or "".
inline std::string_view refusal(const pipeline::Verdict& verdict) {
  return verdict.kind == pipeline::Verdict::Kind::refuse ? info(verdict.error.reason).word : std::string_view();
}

}  // namespace weir::filters
