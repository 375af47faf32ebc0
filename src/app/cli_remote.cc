#include "app/cli_remote.h"

namespace weir::app {
namespace {

CLI::App* add_remote(CLI::App& app, std::string_view name, remote::ServerOptions& server) {
  CLI::App* out = add_command(app, name);
  out->add_option("--server", server.server);
  out->add_option("--token-file", server.token_file);
  out->add_option("--ca-file", server.ca_file);
  out->add_option("--cert-file", server.cert_file);
  out->add_option("--key-file", server.key_file);
  return out;
}

}  // namespace

RemoteCommands::RemoteCommands(CLI::App& app)
    : apply_command_(add_remote(app, "apply", apply_.server)),
      diff_command_(add_remote(app, "diff", diff_.server)),
      dump_command_(add_remote(app, "dump", dump_.server)),
      history_command_(add_remote(app, "history", history_.server)),
      publish_command_(add_remote(app, "publish", publish_.server)),
      rollback_command_(add_remote(app, "rollback", rollback_.server)),
      status_command_(add_remote(app, "status", status_.server)),
      audit_command_(add_remote(app, "audit", audit_.server)),
      explain_command_(add_remote(app, "explain", explain_.server)),
      operator_command_(add_command(app, "operator")) {
  add_file_commands(app);
  add_revision_commands(app);
  add_operator_commands(app);
}

void RemoteCommands::add_file_commands(CLI::App&) {
  apply_command_->add_option("-f,--file", apply_.files)->expected(1)->take_all();
  apply_command_->add_flag("--prune", apply_.prune);
  apply_command_->add_option("--tag", apply_.tag);
  apply_command_->add_flag("--yes,-y", apply_.yes);
  apply_command_->add_flag("--dry-run", apply_.dry_run);
  apply_command_->add_flag("--no-publish", apply_.no_publish);
  apply_command_->add_flag("--force", apply_.force);
  apply_command_->add_option("-m,--message", apply_.message);
  apply_command_->add_option("--timeout", apply_.timeout);
  diff_command_->add_option("-f,--file", diff_.files)->expected(1)->take_all();
  diff_command_->add_flag("--prune", diff_.prune);
  diff_command_->add_option("--tag", diff_.tag);
  diff_command_->add_flag("--json", diff_.json);
  dump_command_->add_option("--revision", dump_.revision);
  dump_command_->add_option("--format", dump_.format)->check(CLI::IsMember({"yaml", "json"}));
  dump_command_->add_option("-o,--output", dump_.output);
  dump_command_->add_option("--tag", dump_.tag);
  explain_command_->add_option("REQUEST", explain_.request);
  explain_command_->add_option("--host", explain_.host);
  // One value each: -H 'a: b' must not swallow what follows.
  explain_command_->add_option("-H,--header", explain_.headers)->expected(1)->take_all();
  explain_command_->add_option("--consumer", explain_.consumer);
  CLI::Option* revision = explain_command_->add_option("--revision", explain_.revision);
  CLI::Option* draft = explain_command_->add_flag("--draft", explain_.draft)->excludes(revision);
  explain_command_->add_option("--config", explain_.config)->excludes(revision)->excludes(draft);
  explain_command_->add_flag("--json", explain_.json);
}

void RemoteCommands::add_revision_commands(CLI::App&) {
  history_command_->add_option("REVISION", history_.revision);
  history_command_->add_option("--limit", history_.limit)->check(CLI::Range(1, 100'000));
  history_command_->add_flag("--json", history_.json);
  publish_command_->add_option("-m,--message", publish_.message);
  publish_command_->add_flag("--dry-run", publish_.dry_run);
  publish_command_->add_flag("--force", publish_.force);
  publish_command_->add_option("--timeout", publish_.timeout);
  rollback_command_->add_option("REVISION", rollback_.revision);
  rollback_command_->add_option("-m,--message", rollback_.message);
  rollback_command_->add_flag("--yes,-y", rollback_.yes);
  rollback_command_->add_flag("--force", rollback_.force);
  rollback_command_->add_option("--timeout", rollback_.timeout);
  status_command_->add_flag("--watch,-w", status_.watch);
  status_command_->add_flag("--json", status_.json);
  audit_command_->add_option("--limit", audit_.limit)->check(CLI::Range(1, 100'000));
  audit_command_->add_flag("--json", audit_.json);
  CLI::App* verify = add_remote(*audit_command_, "verify", audit_.server);
  verify->add_flag("--json", audit_.json);
  verify->callback([this] { audit_.verify = true; });
}

void RemoteCommands::add_operator_commands(CLI::App&) {
  using Action = remote::OperatorOptions::Action;
  operator_command_->require_subcommand(1);
  const auto add = [this](const char* name, Action action) {
    CLI::App* out = add_remote(*operator_command_, name, operator_.server);
    out->add_flag("--json", operator_.json);
    out->callback([this, action] { operator_.action = action; });
    if (action != Action::list) out->add_option("NAME", operator_.name);
    return out;
  };
  add("list", Action::list);
  CLI::App* create = add("create", Action::create);
  create->add_option("--role", operator_.role)->check(CLI::IsMember({"viewer", "developer", "platform", "auditor"}));
  create->add_option("--team", operator_.teams)->expected(1)->take_all();
  CLI::App* token = add("token", Action::token);
  for (CLI::App* makes : {create, token}) {
    makes->add_option("--expires", operator_.expires);
    makes->add_flag("--quiet", operator_.quiet);
  }
  add("disable", Action::disable);
}

std::optional<RemoteCommand> RemoteCommands::chosen() const {
  if (apply_command_->parsed()) return apply_;
  if (diff_command_->parsed()) return diff_;
  if (dump_command_->parsed()) return dump_;
  if (history_command_->parsed()) return history_;
  if (publish_command_->parsed()) return publish_;
  if (rollback_command_->parsed()) return rollback_;
  if (status_command_->parsed()) return status_;
  if (audit_command_->parsed()) return audit_;
  if (explain_command_->parsed()) return explain_;
  if (operator_command_->parsed()) return operator_;
  return std::nullopt;
}

}  // namespace weir::app
