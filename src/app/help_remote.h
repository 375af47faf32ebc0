// The words of `weir COMMAND --help` of the operator's commands, for help.cc.
#pragma once

#include <string_view>

namespace weir::app {

// Where the control plane is and who asks: what all of these commands take, behind their own words.
inline constexpr std::string_view kServerHelp = R"(
of all commands that ask a control plane:
  --server URL           of the control plane; without it $WEIR_SERVER, else http://127.0.0.1:9081
  --token-file FILE      holds the token (mode 0600); without it $WEIR_TOKEN, else ~/.config/weir/token
  --ca-file FILE         PEM: the authority of the server's certificate; without it $WEIR_CA_FILE, else the system's
  --cert-file FILE       PEM: a certificate to show to the server, if it asks for one
  --key-file FILE        PEM: its private key, if it is in another file
)";

inline constexpr std::string_view kApply =
    R"(usage: weir apply -f FILE|FOLDER... [--prune] [--yes] [--dry-run] [-m MESSAGE]

Makes the control plane say what the files say, and publishes it: shows the difference, asks, changes and publishes as one
transaction, and waits until gateways run it. What is wrong is told by file, line and column, and then nothing is changed.
The files have the form of weir.yaml; what belongs to one gateway (listeners, redis, …) is left out.

  -f, --file PATH        a file, a folder (with those below), or - for standard input; may be given several times
  --prune                also remove what no file has, of the sections that the files have
  --tag TAG              with --prune: only what carries it, such as team:payments
  -y, --yes              do not ask
  --dry-run              show the difference and whether it could be published; change nothing
  --no-publish           only change the draft; weir publish makes it take effect
  --force                past the guard against a config that suddenly shrinks
  -m, --message TEXT     why, for weir history
  --timeout TIME         how long gateways are waited for; without it 30s

examples:
  weir apply -f weir.yaml -m "orders has moved"
  weir apply -f config/ --prune --dry-run
  weir dump --revision 12 | weir apply -f - --yes

Exit codes: 1 nothing was changed, 3 the control plane cannot be reached, or not every gateway runs it.
)";

inline constexpr std::string_view kDiff = R"(usage: weir diff -f FILE|FOLDER... [--prune] [--json]

Shows what weir apply with the same files would change, and changes nothing.

  -f, --file PATH        a file, a folder (with those below), or - for standard input; may be given several times
  --prune                also what would be removed, since no file has it
  --tag TAG              with --prune: only what carries it
  --json                 for programs

examples:
  weir diff -f config/ --prune

Exit code 1: there is a difference.
)";

inline constexpr std::string_view kDump = R"(usage: weir dump [--revision N] [--format yaml|json] [-o FILE|FOLDER]

Prints what the control plane has, as files that weir apply reads: the draft, or a revision.

  --revision N           what that revision says; latest is the one in use. Without it, the draft
  --format FORMAT        yaml or json; without it yaml, unless the output is a *.json
  -o, --output PATH      a file, or a folder (it is there, or ends with /), which gets a file for each section
  --tag TAG              only what carries it

examples:
  weir dump > weir.yaml
  weir dump --revision latest -o config/
)";

inline constexpr std::string_view kHistory = R"(usage: weir history [REVISION] [--limit N] [--json]

Lists the revisions, the newest first: when, by whom, how much changed, why. With a number: what changed in that one.

  REVISION               its number, or latest
  --limit N              how many; without it 20
  --json                 for programs

examples:
  weir history
  weir history 12
)";

inline constexpr std::string_view kPublish = R"(usage: weir publish [-m MESSAGE] [--dry-run] [--force]

Makes the draft the next revision, and waits until gateways run it. What does not compile, or would be dangerous, is refused
with the object, the field and the fix.

  -m, --message TEXT     why, for weir history
  --dry-run              only say whether it could be published
  --force                past the guard against a config that suddenly shrinks
  --timeout TIME         how long gateways are waited for; without it 30s

examples:
  weir publish -m "orders has moved"
)";

inline constexpr std::string_view kRollback = R"(usage: weir rollback REVISION [--yes] [-m MESSAGE]

Publishes what an earlier revision said, as a new revision, and waits until gateways run it. Changes of the draft that are
not published are lost.

  REVISION               its number, or previous: the one before the latest
  -y, --yes              do not ask
  --force                past the guard against a config that suddenly shrinks
  -m, --message TEXT     why, for weir history
  --timeout TIME         how long gateways are waited for; without it 30s

examples:
  weir rollback previous --yes
  weir rollback 12 -m "orders fails since 13"
)";

inline constexpr std::string_view kStatus = R"(usage: weir status [--watch] [--json]

Says which revision is published, what waits in the draft, and for each gateway which revision it runs and what it refuses.

  -w, --watch            again every 2 seconds, until Ctrl-C
  --json                 for programs

examples:
  weir status
  weir status --watch

Exit code 3: a gateway that is there does not run the latest revision.
)";

inline constexpr std::string_view kAudit = R"(usage: weir audit [--limit N] [--json]
       weir audit verify [--json]

Lists who changed what, when and from where. With verify: whether the chain of hashes over all of it holds, so that nothing
was changed, taken out or put in later. Keep the head it prints elsewhere, to compare.

  --limit N              how many entries; without it 50
  --json                 for programs, with what each object was before and after

examples:
  weir audit --limit 10
  weir audit verify
)";

inline constexpr std::string_view kExplain =
    R"(usage: weir explain 'METHOD URL' [-H 'NAME: VALUE']... [--consumer NAME] [--revision N | --draft | --config FILE]

Says which route of what is published takes a request: why others that fit its path do not, what it captures, the filters it
passes and where each comes from, the limits it counts against, and the URL the upstream or its canary is asked for. It is
worked out here, by the code that gateways run: nothing is sent to a gateway.

  REQUEST                'GET https://shop.example.com/orders/7?v=2'
  --host HOST            the request's Host, in place of the URL's
  -H, --header FIELD     a header field of the request; may be given several times
  --consumer NAME        who calls: with the filters that this consumer and its groups have of their own
  --revision N           of this revision; without it, of the latest
  --draft                of the draft
  --config FILE          of a file; no control plane is asked
  --json                 for programs

examples:
  weir explain 'GET https://shop.example.com/orders/7'
  weir explain 'POST http://shop.example.com/orders' -H 'x-tenant: blue' --consumer shop --draft

Exit code 1: no route takes the request.
)";

inline constexpr std::string_view kOperator = R"(usage: weir operator list [--json]
       weir operator create NAME --role ROLE [--team TEAM]... [--expires 90d]
       weir operator token NAME [--expires 90d]
       weir operator disable NAME

Who may use the control plane. A token is shown once, when it is made; its owner keeps it in WEIR_TOKEN or in
~/.config/weir/token (mode 0600).

  list                   operators, their roles, teams and tokens; never a secret
  create NAME            a new operator, and a first token
  token NAME             one more token, to replace another without a gap
  disable NAME           none of its tokens is taken any more

  --role ROLE            viewer, developer, platform or auditor
  --team TEAM            of a developer: may change what carries the tag team:TEAM; may be given several times
  --expires TIME         how long the token works: 90d; without it, until it is removed
  --quiet                of create and token: the token and nothing else
  --json                 for programs

examples:
  weir operator create ann --role developer --team payments --expires 90d
  weir operator token ci --quiet > token
)";

}  // namespace weir::app
