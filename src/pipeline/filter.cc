// The words of the phases, called by `weir schema`, the docs and messages; and what a filter that never waits answers
// if it is asked to.
#include "pipeline/filter.h"

#include "pipeline/key_source.h"
#include "pipeline/make_context.h"

namespace weir::pipeline {

io::Task<Verdict> Filter::wait(Exchange&) const { co_return Verdict::refuse(Reason::internal); }

// NOLINTNEXTLINE(performance-unnecessary-value-param): those that override it keep it.
std::expected<std::uint64_t, std::string> MakeContext::key_source(KeySourceSpec) {
  return std::unexpected(std::string("keys cannot be fetched here"));
}

std::expected<std::string, std::string> MakeContext::secret(std::string_view name) {
  return std::unexpected("no secret is named \"" + std::string(name) + "\"");
}

std::string_view text(Phase phase) noexcept {
  switch (phase) {
    case Phase::pre_auth:
      return "pre_auth";
    case Phase::auth:
      return "auth";
    case Phase::routing:
      return "routing";
    case Phase::transformation:
      return "transformation";
    case Phase::execution:
      return "execution";
    case Phase::post_execution:
      return "post_execution";
  }
  return "";
}

}  // namespace weir::pipeline
