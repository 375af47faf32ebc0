// The operator's commands on the command line: their options, for cli.cc. CLI11 stops here and there.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <variant>
#include <vector>

#include "app/operator/commands.h"

namespace weir::app {

using RemoteCommand =
    std::variant<remote::ApplyOptions, remote::DiffOptions, remote::DumpOptions, remote::HistoryOptions,
                 remote::PublishOptions, remote::RollbackOptions, remote::StatusOptions, remote::AuditOptions,
                 remote::ExplainOptions, remote::OperatorOptions>;

// Made while the command line is read; `app` keeps references into it.
class RemoteCommands {
 public:
  explicit RemoteCommands(CLI::App& app);
  RemoteCommands(const RemoteCommands&) = delete;
  RemoteCommands& operator=(const RemoteCommands&) = delete;

  // The one that was parsed, if it was one of these.
  std::optional<RemoteCommand> chosen() const;

 private:
  void add_file_commands(CLI::App& app);
  void add_revision_commands(CLI::App& app);
  void add_operator_commands(CLI::App& app);

  remote::ApplyOptions apply_;
  remote::DiffOptions diff_;
  remote::DumpOptions dump_;
  remote::HistoryOptions history_;
  remote::PublishOptions publish_;
  remote::RollbackOptions rollback_;
  remote::StatusOptions status_;
  remote::AuditOptions audit_;
  remote::ExplainOptions explain_;
  remote::OperatorOptions operator_;
  CLI::App* apply_command_;
  CLI::App* diff_command_;
  CLI::App* dump_command_;
  CLI::App* history_command_;
  CLI::App* publish_command_;
  CLI::App* rollback_command_;
  CLI::App* status_command_;
  CLI::App* audit_command_;
  CLI::App* explain_command_;
  CLI::App* operator_command_;
};

// One subcommand as CLI11 knows it; our own help replaces CLI11's.
CLI::App* add_command(CLI::App& app, std::string_view name);

}  // namespace weir::app
