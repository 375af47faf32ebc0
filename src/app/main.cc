// The one binary: reads the command line and hands over to a subcommand, with the table of filters. Everything that
// is shared is made here or in app/serve/serve.cc and passed down.
#include <cstdio>

#include "app/cli.h"
#include "filters/table.h"

namespace {

using namespace weir;

struct Run {
  pipeline::FilterTable filters;

  int operator()(const app::Notice& notice) const {
    std::fputs(notice.text.c_str(), notice.exit_code == app::kOk ? stdout : stderr);
    return notice.exit_code;
  }
  int operator()(const app::ServeOptions& options) const { return app::serve(options, filters); }
  int operator()(const app::ControlOptions& options) const { return app::control(options, filters); }
  int operator()(const app::CheckOptions& options) const { return app::check(options, filters); }
  int operator()(const app::SchemaOptions& options) const { return app::schema(options, filters); }
  int operator()(const app::RoutesOptions& options) const { return app::routes(options, filters); }
  int operator()(const app::KeyOptions& options) const { return app::key(options, filters); }
  int operator()(const app::TokenOptions& options) const { return app::token(options, filters); }
  int operator()(const app::HashPasswordOptions& options) const { return app::hash_password(options); }
  int operator()(const app::SealOptions& options) const { return app::seal(options); }
  int operator()(const app::CompletionOptions& options) const { return app::completion(options); }
  int operator()(const app::ManOptions& options) const { return app::man(options); }
  int operator()(const app::VersionOptions& options) const { return app::version(options); }

  int operator()(const app::RemoteCommand& command) const { return std::visit(*this, command); }
  int operator()(const remote::ApplyOptions& options) const { return remote::apply(options, filters); }
  int operator()(const remote::DiffOptions& options) const { return remote::diff(options, filters); }
  int operator()(const remote::DumpOptions& options) const { return remote::dump(options, filters); }
  int operator()(const remote::HistoryOptions& options) const { return remote::history(options); }
  int operator()(const remote::PublishOptions& options) const { return remote::publish(options); }
  int operator()(const remote::RollbackOptions& options) const { return remote::rollback(options); }
  int operator()(const remote::StatusOptions& options) const { return remote::status(options); }
  int operator()(const remote::AuditOptions& options) const { return remote::audit(options); }
  int operator()(const remote::ExplainOptions& options) const { return remote::explain(options, filters); }
  int operator()(const remote::OperatorOptions& options) const { return remote::operators(options); }
};

}  // namespace

int main(int argc, char** argv) {
  return std::visit(Run{weir::filters::table()}, weir::app::parse_command_line(argc, argv));
}
