#include "snapshot/compile/compile.h"

#include <tuple>

#include "snapshot/compile/context.h"
#include "snapshot/compile/sealed.h"
#include "snapshot/document.h"
#include "snapshot/schema/document_schema.h"

namespace weir::snapshot {
namespace {

void sort_by_place(Problems& problems) {
  std::ranges::sort(problems, {}, [](const Problem& problem) {
    return std::tie(problem.position.line, problem.position.column, problem.path, problem.message);
  });
}

}  // namespace

std::expected<std::shared_ptr<const Snapshot>, Problems> compile(const Json& document,
                                                                 const CompileOptions& options) {
  const Schema schema = file_schema(options.filters, document);
  if (document.is_null()) {
    return std::unexpected(Problems{{document.position, "", "is empty", "it needs at least listeners and routes"}});
  }
  if (Problems problems = check(document, schema); !problems.empty()) return std::unexpected(std::move(problems));

  auto out = std::make_shared<Snapshot>();
  const Fields fields(document, schema);
  Problems problems;
  CompileContext context{options, fields, *out, problems};
  out->revision = options.revision;
  out->digest = digest(document);
  SealedBook sealed(context);
  context.sealed = &sealed;
  compile_settings(context);
  compile_redis(context);
  compile_tokens(context);
  compile_listeners(context);
  compile_control(context);
  compile_consumers(context);
  compile_routes(context);
  sealed.check_unused();
  if (problems.empty()) return out;
  sort_by_place(problems);
  // A filter that many routes share is refused for each of them.
  const auto again = std::ranges::unique(problems, {}, [](const Problem& problem) {
    return std::tie(problem.position.line, problem.position.column, problem.path, problem.message);
  });
  problems.erase(again.begin(), again.end());
  return std::unexpected(std::move(problems));
}

}  // namespace weir::snapshot
