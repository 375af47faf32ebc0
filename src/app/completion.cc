#include "app/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/cli.h"
#include "app/help.h"

namespace weir::app {
namespace {

std::string path_text(const CommandShape& shape) { return fmt::format("{}", fmt::join(shape.path, "/")); }

// In single quotes of a shell; zsh's _arguments reads brackets and colons as its own.
std::string shell_quoted(std::string_view text, std::string_view escaped = {}) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (escaped.contains(c)) out += '\\';
    out += c;
  }
  return "'" + out + "'";
}

// What the overview says of a command, else what its command says of it.
std::string_view words_of(const std::vector<std::string>& path, std::string_view word) {
  if (!path.empty()) return help_line(path.front(), word);
  const std::string line = fmt::format("\n  {} ", word);
  const std::size_t at = overview().find(line);
  if (at == std::string_view::npos) return {};
  std::string_view rest = overview().substr(at + line.size());
  rest = rest.substr(0, rest.find('\n'));
  return rest.substr(std::min(rest.size(), rest.find_first_not_of(' ')));
}

std::vector<std::string> top_commands(const std::vector<CommandShape>& shapes) {
  std::vector<std::string> out;
  for (const CommandShape& shape : shapes)
    if (shape.path.size() == 1) out.push_back(shape.path.front());
  out.emplace_back("help");
  return out;
}

// The patterns of a `case` that follows the words of the line into subcommands: "/key|key/create".
std::string path_patterns(const std::vector<CommandShape>& shapes) {
  std::vector<std::string> out;
  for (const CommandShape& shape : shapes) out.push_back((shape.path.size() == 1 ? "/" : "") + path_text(shape));
  return fmt::format("{}", fmt::join(out, "|"));
}

std::string bash(const std::vector<CommandShape>& shapes) {
  std::string out = fmt::format(R"(# bash completion of weir, by `weir completion bash`
_weir() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} path='' words='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case $path/$word in
      {}) path=${{path:+$path/}}$word ;;
    esac
  done
  case $path:$before in
)",
                                path_patterns(shapes));
  for (const CommandShape& shape : shapes) {
    for (const OptionShape& option : shape.options) {
      if (!option.takes_value || option.names.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names) patterns.push_back(path_text(shape) + ":" + name);
      // No words: the shell's own completion of file names.
      out += fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$current\")); return ;;\n",
                         fmt::join(patterns, "|"), fmt::join(option.words, " "));
    }
  }
  out += fmt::format("  esac\n  case $path in\n    '') words='{}' ;;\n    help) words='{}' ;;\n",
                     fmt::join(top_commands(shapes), " "), fmt::join(top_commands(shapes), " "));
  for (const CommandShape& shape : shapes) {
    std::vector<std::string> plain = shape.subcommands;
    std::vector<std::string> options;
    for (const OptionShape& option : shape.options) {
      if (option.names.empty()) plain.insert(plain.end(), option.words.begin(), option.words.end());
      options.insert(options.end(), option.names.begin(), option.names.end());
    }
    out += fmt::format("    {}) if [[ $current == -* ]]; then words='{}'; else words='{}'; fi ;;\n", path_text(shape),
                       fmt::join(options, " "), fmt::join(plain, " "));
  }
  out += R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _weir weir
)";
  return out;
}

std::string zsh_commands(const std::vector<std::string>& names, const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& name : names) out += " " + shell_quoted(fmt::format("{}:{}", name, words_of(path, name)));
  return fmt::format("local -a commands=({}); _describe command commands", out.empty() ? out : out.substr(1));
}

std::string zsh_option(const CommandShape& shape, const OptionShape& option) {
  const std::string value =
      option.words.empty() ? std::string("_files") : fmt::format("({})", fmt::join(option.words, " "));
  if (option.names.empty()) return fmt::format(" {}", shell_quoted("*:word:" + value));
  std::string out;
  const std::string_view words = help_line(shape.path.front(), option.names.back());
  for (const std::string& name : option.names) {
    out += " " + shell_quoted("*" + name);
    if (!words.empty()) out += shell_quoted(fmt::format("[{}]", words), "[]");
    if (option.takes_value) out += shell_quoted(":value:" + value);
  }
  return out;
}

std::string zsh(const std::vector<CommandShape>& shapes) {
  std::string out = fmt::format(R"(#compdef weir
# zsh completion of weir, by `weir completion zsh`
_weir() {{
  local word
  local -a line=("${{words[@]}}")
  local path_= depth=1
  for word in "${{(@)line[2,CURRENT-1]}}"; do
    case $path_/$word in
      {}) path_=${{path_:+$path_/}}$word; ((depth++)) ;;
    esac
  done
  case $path_ in
    '') {} ;;
)",
                                path_patterns(shapes), zsh_commands(top_commands(shapes), {}));
  for (const CommandShape& shape : shapes) {
    std::string options;
    for (const OptionShape& option : shape.options) options += zsh_option(shape, option);
    const std::string commands = shape.subcommands.empty()
                                     ? std::string()
                                     : fmt::format("if [[ $PREFIX != -* ]]; then {}; return; fi; ",
                                                   zsh_commands(shape.subcommands, shape.path));
    out += fmt::format("    {}) {}shift $((depth - 1)) words; ((CURRENT -= depth - 1)); _arguments{} ;;\n",
                       path_text(shape), commands, options);
  }
  out += R"(  esac
}
if [ "$funcstack[1]" = _weir ]; then _weir "$@"; else compdef _weir weir; fi
)";
  return out;
}

std::string fish(const std::vector<CommandShape>& shapes) {
  std::string out = fmt::format(
      R"(# fish completion of weir, by `weir completion fish`
function __weir_at
    set -l path ''
    for word in (commandline -opc)[2..-1]
        switch $path/$word
            case {}
                set path (string trim -l -c / $path/$word)
        end
    end
    test "$path" = "$argv[1]"
end
complete -c weir -f -n '__weir_at ""' -a help -d 'say more about a command'
)",
      fmt::format("{}", fmt::join(
                            [&] {
                              std::vector<std::string> patterns;
                              for (const CommandShape& shape : shapes)
                                patterns.push_back(
                                    shell_quoted((shape.path.size() == 1 ? "/" : "") + path_text(shape)));
                              return patterns;
                            }(),
                            " ")));
  for (const CommandShape& shape : shapes) {
    std::vector<std::string> above = shape.path;
    const std::string name = above.back();
    above.pop_back();
    out += fmt::format("complete -c weir -f -n '__weir_at \"{}\"' -a {} -d {}\n", fmt::join(above, "/"), name,
                       shell_quoted(words_of(above, name)));
    const std::string at = fmt::format("complete -c weir -n '__weir_at \"{}\"'", path_text(shape));
    for (const OptionShape& option : shape.options) {
      if (option.names.empty()) {
        if (!option.words.empty()) out += fmt::format("{} -f -a '{}'\n", at, fmt::join(option.words, " "));
        continue;
      }
      out += at;
      for (const std::string& each : option.names)
        out += each.starts_with("--") ? " -l " + each.substr(2) : " -s " + each.substr(1);
      if (option.takes_value)
        out += option.words.empty() ? std::string(" -r") : fmt::format(" -x -a '{}'", fmt::join(option.words, " "));
      const std::string_view words = help_line(shape.path.front(), option.names.back());
      out += words.empty() ? "\n" : fmt::format(" -d {}\n", shell_quoted(words));
    }
  }
  return out;
}

}  // namespace

int completion(const CompletionOptions& options) {
  const std::vector<CommandShape> shapes = command_shapes();
  fmt::print("{}", options.shell == "bash" ? bash(shapes) : options.shell == "zsh" ? zsh(shapes) : fish(shapes));
  return kOk;
}

}  // namespace weir::app
