// What the parts of one compile share. Lives on the stack of compile().
#pragma once

#include "base/json/fields.h"
#include "snapshot/compile/compile.h"

namespace weir::snapshot {

class SealedBook;

struct CompileContext {
  const CompileOptions& options;
  const Fields& document;  // has passed its schema
  Snapshot& out;
  Problems& problems;
  SealedBook* sealed = nullptr;  // sealed.h; nullptr: secrets have no names here

  void report(Problem problem) { problems.push_back(std::move(problem)); }

  // The contents of a file named in the document, which is watched from then on; the error is a sentence.
  std::expected<std::string, std::string> read_file(std::string_view name);
  // One of `secrets`; the error is a sentence.
  std::expected<std::string, std::string> named_secret(std::string_view name);
  // The secret that `fields` says by NAME_env, NAME_file (without the newline at its end) or NAME_name, one of
  // `secrets`; it has one of those its schema knows. The one place where a secret enters a config.
  std::expected<std::string, Problem> read_secret(const Fields& fields, std::string_view name);
};

// Each fills its part of `out`.
void compile_settings(CompileContext& context);
void compile_redis(CompileContext& context);
void compile_tokens(CompileContext& context);
void compile_listeners(CompileContext& context);
void compile_consumers(CompileContext& context);  // before the routes, whose filters ask for them
void compile_routes(CompileContext& context);
void compile_control(CompileContext& context);  // after `redis` and the listeners

}  // namespace weir::snapshot
