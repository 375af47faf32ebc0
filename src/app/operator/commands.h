// The operator's commands, one file each, and what the command line may ask of them. Each prints for people on
// standard output, complaints on standard error, and returns the exit code of the process (session/exit_code.h). The
// namespace is `remote` because `operator` is a word of the language.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/operator/session/server.h"
#include "pipeline/filter.h"

namespace weir::remote {

struct ApplyOptions {
  ServerOptions server;
  std::vector<std::string> files;  // files, folders, "-"
  std::string tag;                 // prune only what carries it
  std::string message;
  std::string timeout = "30s";  // how long gateways are waited for
  bool prune = false;
  bool yes = false;
  bool dry_run = false;
  bool no_publish = false;
  bool force = false;  // past the guard against a config that shrinks suddenly
};
int apply(const ApplyOptions& options, pipeline::FilterTable filters);

struct DiffOptions {
  ServerOptions server;
  std::vector<std::string> files;
  std::string tag;
  bool prune = false;
  bool json = false;
};
int diff(const DiffOptions& options, pipeline::FilterTable filters);  // kProblems: they differ

struct DumpOptions {
  ServerOptions server;
  std::string revision;  // a number or "latest"; empty: the draft
  std::string format;    // "yaml" or "json"; empty: by the name of the output, else yaml
  std::string output;    // a file, or a folder (it is one, or ends with '/'); empty: standard output
  std::string tag;       // only what carries it
};
int dump(const DumpOptions& options, pipeline::FilterTable filters);

struct HistoryOptions {
  ServerOptions server;
  int limit = 20;
  std::string revision;  // what changed in this one; empty: the list
  bool json = false;
};
int history(const HistoryOptions& options);

struct PublishOptions {
  ServerOptions server;
  std::string message;
  std::string timeout = "30s";
  bool dry_run = false;
  bool force = false;
};
int publish(const PublishOptions& options);

struct RollbackOptions {
  ServerOptions server;
  std::string revision;  // a number, or "previous"
  std::string message;
  std::string timeout = "30s";
  bool yes = false;
  bool force = false;
};
int rollback(const RollbackOptions& options);

struct StatusOptions {
  ServerOptions server;
  bool watch = false;
  bool json = false;
};
int status(const StatusOptions& options);

struct AuditOptions {
  ServerOptions server;
  bool verify = false;
  int limit = 50;
  bool json = false;
};
int audit(const AuditOptions& options);

struct ExplainOptions {
  ServerOptions server;
  std::string request;  // "GET https://host/path"
  std::string host;
  std::string consumer;
  std::vector<std::string> headers;
  std::string revision;  // a number or "latest" (also if empty)
  bool draft = false;
  std::string config;  // a file in place of the control plane
  bool json = false;
};
int explain(const ExplainOptions& options, pipeline::FilterTable filters);

struct OperatorOptions {
  enum class Action : std::uint8_t { list, create, token, disable };
  ServerOptions server;
  Action action = Action::list;
  std::string name;
  std::string role;
  std::vector<std::string> teams;
  std::string expires;  // a duration; empty: never
  bool json = false;
  bool quiet = false;  // the token and nothing else
};
int operators(const OperatorOptions& options);

}  // namespace weir::remote
