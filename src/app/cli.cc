#include "app/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/help.h"
#include "base/json/nearest.h"

namespace weir::app {
namespace {

std::string with_pointer(std::string_view command, std::string message) {
  const std::string name = command.empty() ? "weir" : fmt::format("weir {}", command);
  return fmt::format("{}: {}\nTry: {} --help\n", name, message, name);
}

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> out;
  for (const CommandHelp& help : command_helps()) out.push_back(help.name);
  out.push_back("help");
  return out;
}

Notice unknown_command(std::string_view word) {
  const std::string hint = did_you_mean(word, command_names(), "commands");
  return {with_pointer("", fmt::format("unknown command \"{}\"; {}", word, hint)), kUsage};
}

Notice help(std::string_view topic) {
  if (topic.empty()) return {std::string(overview()), kOk};
  for (const CommandHelp& one : command_helps()) {
    if (one.name == topic) return {help_of(topic), kOk};
  }
  return unknown_command(topic);
}

std::string unexpected_word(const CLI::App& command, const std::string& word) {
  if (!word.starts_with('-')) return fmt::format("unexpected argument \"{}\"", word);
  std::vector<std::string> options;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
    for (const std::string& name : option->get_snames()) options.push_back("-" + name);
  }
  const std::string hint = did_you_mean(word.substr(0, word.find('=')), {options.begin(), options.end()}, "options");
  return fmt::format("unknown option \"{}\"; {}", word, hint);
}

Notice wrong(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    const auto rest = app.remaining();
    if (!rest.empty()) return {with_pointer("", unexpected_word(app, rest.front())), kUsage};
    return {with_pointer("", error.what()), kUsage};
  }
  const CLI::App& command = *chosen.front();
  const auto rest = command.remaining();
  std::string message = error.what();
  if (!rest.empty()) {
    message = unexpected_word(command, rest.front());
  } else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    message = fmt::format("the option {} needs a value", message.substr(0, message.find(':')));
  }
  return {with_pointer(command.get_name(), message), kUsage};
}

struct Parser {
  CLI::App app;
  ServeOptions serve;
  ServeOptions gateway{.config = {}, .workers = 0, .follows = true};
  ControlOptions control;
  CheckOptions check;
  RoutesOptions routes;
  KeyOptions key;
  TokenOptions token;
  SealOptions seal;
  CLI::App* serve_command = add_command(app, "serve");
  CLI::App* gateway_command = add_command(app, "gateway");
  CLI::App* control_command = add_command(app, "control");
  CLI::App* check_command = add_command(app, "check");
  CLI::App* routes_command = add_command(app, "routes");
  CLI::App* schema_command = add_command(app, "schema");
  CLI::App* key_command = add_command(app, "key");
  CLI::App* token_command = add_command(app, "token");
  CLI::App* hash_password_command = add_command(app, "hash-password");
  CLI::App* seal_command = add_command(app, "seal");
  CompletionOptions completion;
  RemoteCommands remote{app};
  CLI::App* completion_command = add_command(app, "completion");
  CLI::App* man_command = add_command(app, "man");
  CLI::App* version_command = add_command(app, "version");

  Parser() {
    app.require_subcommand(1);
    serve_command->add_option("--config", serve.config);
    serve_command->add_option("--workers", serve.workers)->check(CLI::Range(1, 256));
    gateway_command->add_option("--config", gateway.config);
    gateway_command->add_option("--workers", gateway.workers)->check(CLI::Range(1, 256));
    control_command->add_option("--config", control.config);
    control_command->add_flag("--migrate", control.migrate);
    control_command->add_flag("--public-key", control.public_key);
    control_command->add_option("--new-token", control.new_token);
    check_command->add_option("FILE", check.files);
    check_command->add_flag("--verbose", check.verbose);
    routes_command->add_option("--config", routes.config);
    routes_command->add_option("--match", routes.match);
    routes_command->add_option("--host", routes.host);
    routes_command->add_option("--consumer", routes.consumer);
    // One value each: -H 'a: b' must not swallow what follows.
    routes_command->add_option("-H,--header", routes.headers)->expected(1)->take_all();
    routes_command->add_flag("--json", routes.json);
    seal_command->add_option("--secret", seal.secret);
    seal_command->add_option("--certificate", seal.certificate);
    seal_command->add_option("--master-key-file", seal.master_key_file);
    seal_command->add_option("--master-key-env", seal.master_key_env);
    completion_command->add_option("SHELL", completion.shell)
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->required();
    add_key_commands();
    add_token_commands();
  }

  void add_key_commands() {
    key_command->require_subcommand(1);
    const auto add = [this](const char* name, KeyOptions::Action action) {
      CLI::App* out = add_command(*key_command, name);
      out->add_option("--config", key.config);
      out->add_flag("--json", key.json);
      out->callback([this, action] { key.action = action; });
      return out;
    };
    CLI::App* create = add("create", KeyOptions::Action::create);
    create->add_option("--consumer", key.consumer);
    create->add_option("--custom-id", key.custom_id);
    create->add_option("--scope", key.scopes)->expected(1)->take_all();
    create->add_option("--group", key.groups)->expected(1)->take_all();
    create->add_option("--expires", key.expires);
    create->add_flag("--quiet", key.quiet);
    add("list", KeyOptions::Action::list)->add_option("--consumer", key.consumer);
    CLI::App* rotate = add("rotate", KeyOptions::Action::rotate);
    rotate->add_option("ID", key.id);
    rotate->add_option("--grace", key.grace);
    rotate->add_flag("--quiet", key.quiet);
    add("disable", KeyOptions::Action::disable)->add_option("ID", key.id);
    add("enable", KeyOptions::Action::enable)->add_option("ID", key.id);
    add("revoke", KeyOptions::Action::revoke)->add_option("ID", key.id);
  }

  void add_token_commands() {
    token_command->require_subcommand(1);
    const auto add = [this](const char* name, TokenOptions::Action action) {
      CLI::App* out = add_command(*token_command, name);
      out->add_option("--config", token.config);
      out->add_flag("--json", token.json);
      out->callback([this, action] { token.action = action; });
      return out;
    };
    CLI::App* revoke = add("revoke", TokenOptions::Action::revoke);
    revoke->add_option("--jti", token.jti);
    revoke->add_option("--subject", token.subject);
    revoke->add_option("--issuer", token.issuer);
    revoke->add_option("--until", token.until);
    revoke->add_flag("--later", token.later);
    add("list", TokenOptions::Action::list);
  }

  Command chosen() {
    if (serve_command->parsed()) return serve;
    if (gateway_command->parsed()) return gateway;
    if (control_command->parsed()) return control;
    if (check_command->parsed()) return check;
    if (routes_command->parsed()) return routes;
    if (key_command->parsed()) return key;
    if (token_command->parsed()) return token;
    if (hash_password_command->parsed()) return HashPasswordOptions{};
    if (seal_command->parsed()) return seal;
    if (schema_command->parsed()) return SchemaOptions{};
    if (completion_command->parsed()) return completion;
    if (man_command->parsed()) return ManOptions{};
    if (auto command = remote.chosen()) return std::move(*command);
    return VersionOptions{};
  }
};

// "TEXT:{yaml,json}", as CLI11 names the type of an option with few values.
std::vector<std::string> words_of(const CLI::Option& option) {
  std::vector<std::string> out;
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return out;
  for (std::size_t from = open + 1; from <= close;) {
    const std::size_t to = std::min(type.find(',', from), close);
    out.push_back(type.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

void add_shapes(const CLI::App& app, const std::vector<std::string>& path, std::vector<CommandShape>& out) {
  CommandShape shape{path, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    OptionShape one{{}, words_of(*option), option->get_expected_max() > 0};
    for (const std::string& name : option->get_snames()) one.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) one.names.push_back("--" + name);
    shape.options.push_back(std::move(one));
  }
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : below) shape.subcommands.push_back(command->get_name());
  if (!path.empty()) out.push_back(std::move(shape));
  for (const CLI::App* command : below) {
    std::vector<std::string> deeper = path;
    deeper.push_back(command->get_name());
    add_shapes(*command, deeper, out);
  }
}

}  // namespace

std::vector<CommandShape> command_shapes() {
  const Parser parser;
  std::vector<CommandShape> out;
  add_shapes(parser.app, {}, out);
  return out;
}

CLI::App* add_command(CLI::App& app, std::string_view name) {
  CLI::App* out = app.add_subcommand(std::string(name));
  out->set_help_flag("-h,--help");
  return out;
}

Command parse_command_line(int argc, const char* const* argv) {
  if (argc < 2) return Notice{std::string(overview()), kUsage};
  const std::string_view first = argv[1];
  if (first == "help") return help(argc > 2 ? argv[2] : "");
  if (first == "-h" || first == "--help") return help("");
  if (first == "--version" || first == "-V") return VersionOptions{};
  const auto names = command_names();
  if (!first.starts_with('-') && std::ranges::find(names, first) == names.end()) return unknown_command(first);
  // CLI11 speaks by exceptions; none leaves this function.
  Parser parser;
  try {
    parser.app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return help(first);
  } catch (const CLI::ParseError& error) {
    return wrong(parser.app, error);
  }
  return parser.chosen();
}

}  // namespace weir::app
