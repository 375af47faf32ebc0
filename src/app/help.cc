#include "app/help.h"

#include <algorithm>
#include <array>

#include "app/help_remote.h"

namespace weir::app {
namespace {

constexpr std::string_view kOverview = R"(weir - an API gateway: many services behind one address

usage: weir COMMAND [OPTIONS]

  serve          run the gateway from one file
  gateway        serve what a control plane publishes
  control        run the control plane: the admin API, and publishing to gateways
  apply          make the control plane say what files say, and publish it; diff only shows it
  diff           show what apply would change
  dump           print what the control plane has, as files that apply reads
  publish        publish the draft
  history        list the revisions, or what changed in one
  rollback       publish an earlier revision again
  status         say which gateway runs which revision
  explain        say which route of what is published takes a request, and why
  audit          say who changed what; audit verify: whether the log is whole
  operator       say who may use the control plane, and make their tokens
  check          say what is wrong with a file, with line, column and the nearest right word
  routes         list the routes, or say which one takes a request, and why
  key            make, list, rotate, disable and revoke API keys
  token          revoke tokens before they expire, and list those
  hash-password  a password in, its hash for the config out
  seal           a secret in, sealed text for the config out
  schema         print the JSON Schema of the file, for editors
  completion     print completion for bash, zsh or fish
  man            print the manual page
  version        print versions
  help           print this; weir help COMMAND, or weir COMMAND --help, says more

Start with a file weir.yaml:

  listeners:
    - address: 127.0.0.1:8080
  routes:
    - {route_id: hello, path_pattern: /hello/**, upstream_url: "http://127.0.0.1:9001"}

and then

  weir check weir.yaml
  weir routes --config weir.yaml --match 'GET /hello/world'
  weir serve --config weir.yaml

Without --config, ./weir.yaml is used. Every field of the file: docs/configuration.md.
Exit codes: 0 well, 1 the file has problems (or no route takes the request), 2 the command line is wrong, 3 the control
plane cannot be reached, or a gateway does not run what it published.
)";

constexpr std::string_view kServe = R"(usage: weir serve [--config FILE] [--workers N]

Runs the gateway until SIGTERM, which lets requests in flight end (drain_timeout). SIGHUP, or saving the file, reloads
it: a file with mistakes is refused loudly and the old configuration stays. SIGUSR2 hands the listening sockets to a
new binary.

  --config FILE   the file; without it ./weir.yaml
  --workers N     threads that serve, in place of the file's `workers`

examples:
  weir serve --config weir.yaml
  weir serve --config /etc/weir/weir.yaml --workers 2
)";

constexpr std::string_view kGateway = R"(usage: weir gateway [--config FILE] [--workers N]

Serves like `weir serve`, but routes, upstreams, consumers, … come from a control plane, over Redis and signed. The file
says where this gateway listens, and whose revisions it takes (`control_plane`). What it had last is kept in `state_dir`:
it starts from there while Redis and the control plane are away. Signals are those of `weir serve`.

  --config FILE   the file; without it ./weir.yaml
  --workers N     threads that serve, in place of the file's `workers`

examples:
  weir gateway --config /etc/weir/gateway.yaml
)";

constexpr std::string_view kControl = R"(usage: weir control [--config FILE] [--migrate]
       weir control [--config FILE] --public-key
       weir control [--config FILE] --new-token OPERATOR

Runs the control plane until SIGTERM: answers the admin API (`control.address`) and publishes to every gateway that uses
the same `redis`. Several may run on one Postgres. At the first start it makes the operator `admin` and prints the token
once, on standard error.

  --config FILE         the file; without it ./weir.yaml
  --migrate             first bring the schema of the database up to date
  --public-key          only print the key that gateways need as `control_plane.public_key`, made if it is missing
  --new-token OPERATOR  only make and print another token of that operator: when the last one is lost

examples:
  weir control --config /etc/weir/control.yaml --migrate
  weir control --config /etc/weir/control.yaml --public-key
)";

constexpr std::string_view kCheck = R"(usage: weir check [--verbose] FILE...

Says whether the gateway would run with each file, and otherwise everything that is wrong with it, one line each:

  weir.yaml:12:5: routes[2]: unknown field "path_patern"; did you mean "path_pattern"?

Certificate files are opened; no name is resolved and no upstream asked.

  FILE        YAML or JSON; - is standard input; without one ./weir.yaml
  --verbose   also the digest, and where the time went

examples:
  weir check weir.yaml
  weir check staging/*.yaml
  generate-config | weir check -
)";

constexpr std::string_view kRoutes = R"(usage: weir routes [--config FILE] [--json]
       weir routes [--config FILE] --match 'METHOD TARGET' [--host HOST] [-H 'NAME: VALUE']... [--consumer NAME]

Lists the routes, the strongest first. With --match: which route takes that request, what it captures, the filters it
passes, the URL the upstream is asked for (after rewrite), or the answer a filter gives in its place, and why other routes
that fit its path were passed over. Nothing is sent anywhere.

  --config FILE         the file; without it ./weir.yaml; - is standard input
  --match REQUEST       'GET /users/7?v=2', or 'GET http://shop.example.com/orders/12'
  --host HOST           the request's Host
  -H, --header FIELD    a header field of the request; may be given several times
  --consumer NAME       who calls: with the filters that this consumer and its groups have of their own
  --json                for programs

examples:
  weir routes --config weir.yaml
  weir routes --match 'GET /orders/12' --host shop.example.com
  weir routes --match 'POST /users' -H 'x-tenant: blue' --json
  weir routes --match 'OPTIONS /users' -H 'Origin: https://app.example.com' -H 'Access-Control-Request-Method: PUT'

Exit code 1: no route takes the request.
)";

constexpr std::string_view kKey =
    R"(usage: weir key create --consumer NAME [--scope S]... [--group G]... [--custom-id ID] [--expires 90d]
       weir key list [--consumer NAME]
       weir key rotate ID [--grace 24h]
       weir key disable ID
       weir key enable ID
       weir key revoke ID

API keys in the store that the config's `credentials` names. A key is shown once, when it is made; only a hash of it
is kept. Running gateways know of a change within a second.

  create           a new key: weir_<id>_<secret>_<checksum>
  list             id, consumer, scopes, times and state of each; never a secret
  rotate ID        a second secret for the same key; the one before works on until its grace is over
  disable ID       refuses the key until `enable ID`
  revoke ID        ends the key, both secrets, at once and for good

  --consumer NAME  whose it is; for list, only this one's
  --scope S        what it may do, for require_identity; may be given several times
  --group G        a group it is in, besides the consumer's own; may be given several times
  --custom-id ID   your own name for the consumer, sent upstream; wins over the config's
  --expires TIME   how long it works: 90d, 12h; without it, until it is revoked
  --grace TIME     of rotate: how long the secret before works on; without it 24h
  --config FILE    the file; without it ./weir.yaml
  --quiet          of create and rotate: the key and nothing else
  --json           for programs

examples:
  weir key create --consumer shop --scope orders:read --expires 90d
  weir key list --json
  weir key rotate 4fTq0ZbXw1Nc --grace 7d
)";

constexpr std::string_view kToken =
    R"(usage: weir token revoke --jti ID [--issuer I] [--until TIME]
       weir token revoke --subject S --issuer I [--until TIME] [--later]
       weir token list

Tokens that count no more although they have not expired, where the config's `tokens.revoked` says: in Redis if it names
it, else in its file. Running gateways know of a change within a second, of a file within a few.

  revoke          one token by its `jti`, or all that a subject has been given up to now
  list            what is revoked, in the file and in Redis

  --jti ID        of the token
  --subject S     its `sub`
  --issuer I      its `iss`; without it, of a jti, any; "*" is any
  --until TIME    when it may be forgotten, which is when the token expires: 24h, 2026-12-31T23:59:59Z, or seconds since
                  the epoch; without it, never
  --later         of a subject: also the tokens it will be given
  --config FILE   the file; without it ./weir.yaml
  --json          for programs

examples:
  weir token revoke --jti 6f1c2a --until 24h
  weir token revoke --subject bob --issuer https://id.example.com --until 24h
  weir token list --json
)";

constexpr std::string_view kHashPassword = R"(usage: weir hash-password

Reads a password from standard input, up to the end of the line, and prints its hash for `password_hash` of a consumer
(scrypt; it takes a moment and 32 MiB, on purpose). From a terminal it asks, without showing what is typed.

examples:
  weir hash-password
  printf %s "$PASSWORD" | weir hash-password
)";

constexpr std::string_view kSeal =
    R"(usage: weir seal --secret NAME (--master-key-file FILE | --master-key-env VARIABLE)
       weir seal --certificate NAME (--master-key-file FILE | --master-key-env VARIABLE)

Reads a secret, or the private key of a certificate, from standard input and prints it sealed with the master key: the
`value` of the secret, or the `key` of the certificate, of that name and no other. See docs/secrets.md.

  --secret NAME           of `secrets`; a line end at the end does not count
  --certificate NAME      of `certificates`
  --master-key-file FILE  holds the master key, 32 characters at least
  --master-key-env NAME   or the environment variable that does

examples:
  openssl rand -hex 32 > master.key
  printf %s "$SECRET" | weir seal --secret token-key --master-key-file master.key
  weir seal --certificate shop --master-key-file master.key < shop.key
)";

constexpr std::string_view kSchema = R"(usage: weir schema

Prints the JSON Schema (2020-12) of the file, filters and their configs included. Editors complete and check by it.

examples:
  weir schema > weir.schema.json
  # yaml-language-server: $schema=weir.schema.json     <- as the first line of weir.yaml, for VS Code and others
)";

constexpr std::string_view kCompletion = R"(usage: weir completion bash|zsh|fish

Prints what a shell needs to complete commands and options of weir with the Tab key.

examples:
  weir completion bash > /etc/bash_completion.d/weir
  weir completion zsh > "${fpath[1]}/_weir"
  weir completion fish > ~/.config/fish/completions/weir.fish
)";

constexpr std::string_view kMan = R"(usage: weir man

Prints the manual page, made of what --help says.

examples:
  weir man | man -l -
  weir man > /usr/local/share/man/man1/weir.1
)";

constexpr std::string_view kVersion = R"(usage: weir version

Prints the version of weir, of its compiler and of OpenSSL: what to say in a bug report.

examples:
  weir version
)";

constexpr std::array<CommandHelp, 23> kHelps = {{
    {"serve", kServe},
    {"gateway", kGateway},
    {"control", kControl},
    {"apply", kApply, kServerHelp},
    {"diff", kDiff, kServerHelp},
    {"dump", kDump, kServerHelp},
    {"publish", kPublish, kServerHelp},
    {"history", kHistory, kServerHelp},
    {"rollback", kRollback, kServerHelp},
    {"status", kStatus, kServerHelp},
    {"explain", kExplain, kServerHelp},
    {"audit", kAudit, kServerHelp},
    {"operator", kOperator, kServerHelp},
    {"check", kCheck},
    {"routes", kRoutes},
    {"key", kKey},
    {"token", kToken},
    {"hash-password", kHashPassword},
    {"seal", kSeal},
    {"schema", kSchema},
    {"completion", kCompletion},
    {"man", kMan},
    {"version", kVersion},
}};

}  // namespace

std::string_view overview() { return kOverview; }

std::span<const CommandHelp> command_helps() { return kHelps; }

std::string help_of(std::string_view command) {
  const auto found = std::ranges::find(kHelps, command, &CommandHelp::name);
  return found == kHelps.end() ? std::string(kOverview) : std::string(found->text).append(found->more);
}

std::string_view help_line(std::string_view command, std::string_view word) {
  const auto found = std::ranges::find(kHelps, command, &CommandHelp::name);
  if (found == kHelps.end()) return {};
  for (std::string_view text : {found->text, found->more}) {
    while (!text.empty()) {  // it ends with a line end
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(line.size() + 1);
      if (!line.starts_with("  ") || line.starts_with("   ")) continue;
      const std::size_t gap = line.find("  ", 2);
      if (gap == std::string_view::npos) continue;
      // "-f, --file PATH": one of its words is meant.
      std::string_view names = line.substr(2, gap - 2);
      while (!names.empty()) {
        const std::size_t end = names.find_first_of(", ");
        if (names.substr(0, end) == word) return line.substr(line.find_first_not_of(' ', gap));
        if (end == std::string_view::npos) break;
        names.remove_prefix(end + 1);
      }
    }
  }
  return {};
}

}  // namespace weir::app
