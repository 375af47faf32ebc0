// `weir man`: the manual page (man(7)), put together from what --help says.
#include <fmt/format.h>

#include "app/commands/commands.h"
#include "app/completion.h"
#include "app/help.h"

namespace weir::app {
namespace {

// As it stands: no line begins a request of roff, no backslash is one.
std::string verbatim(std::string_view text) {
  std::string out = ".nf\n";
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    begins = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '`')
      out += "\\(ga";
    else
      out += c;
  }
  if (!begins) out += '\n';
  return out + ".fi\n";
}

constexpr std::string_view kEnvironment = R"(.SH ENVIRONMENT
.TP
.B WEIR_SERVER
The URL of the control plane, for the commands that ask one.
.TP
.B WEIR_TOKEN
The operator's token. It is never taken from the command line, where every user of the machine could read it.
.TP
.B WEIR_CA_FILE
PEM file: the authority of the control plane's certificate.
.TP
.B NO_COLOR
If it is not empty, no colours.
.SH FILES
.TP
.I ./weir.yaml
The file that is used when none is given.
.TP
.I ~/.config/weir/token
The operator's token (mode 0600).
)";

}  // namespace

int man(const ManOptions&) {
  fmt::print(".\\\" Made by `weir man`.\n.TH WEIR 1 \"\" \"weir {}\"\n.SH NAME\nweir \\- an API gateway\n",
             WEIR_VERSION);
  fmt::print(".SH SYNOPSIS\n.B weir\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n{}", verbatim(overview()));
  fmt::print(".SH COMMANDS\n");
  std::string_view shared;
  for (const CommandHelp& help : command_helps()) {
    fmt::print(".SS \"weir {}\"\n{}", help.name, verbatim(help.text));
    if (!help.more.empty()) shared = help.more;
  }
  fmt::print(".SH OPTIONS\n{}{}", verbatim(shared.substr(1)), kEnvironment);
  return kOk;
}

}  // namespace weir::app
