// The control plane as the operator's commands see it: where it is, the token that is shown to it, a request and what
// came of it, and ONE place where a refusal becomes a sentence for people. Blocking; the command's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "adapters/curl/http_client.h"
#include "app/operator/session/exit_code.h"
#include "base/json/json.h"

namespace weir::remote {

struct ServerOptions {
  std::string server;  // empty: $WEIR_SERVER, else kDefaultServer
  std::string token_file;
  std::string ca_file;  // empty: $WEIR_CA_FILE, else the system's authorities
  std::string cert_file;
  std::string key_file;
};
inline constexpr std::string_view kDefaultServer = "http://127.0.0.1:9081";

// Why a command ends before its work is done: the exit code, and what to say (no newline at the end).
struct Trouble {
  int exit_code = kProblems;
  std::string text;
};
template <class T>
using Outcome = std::expected<T, Trouble>;

// Says it on standard error, as `weir COMMAND: …`, and gives back the exit code.
int tell(std::string_view command, const Trouble& trouble);

struct Answer {
  int status = 0;
  Json body;  // null: none, or none that is JSON
  bool ok() const noexcept { return status >= 200 && status < 300; }
};

using std::chrono::milliseconds;

struct Asking {
  // The control plane gives its database 5 s (control/store.h) and compiles 50,000 consumers in less than that.
  milliseconds timeout{30'000};
  adapters::curl::Fields fields = {};
};

class Server {
 public:
  // Reads the token; asks nothing yet.
  static Outcome<Server> at(const ServerOptions& options);

  // Every answer but those that no command can make anything of (401, 5xx, no JSON), which are Trouble.
  Outcome<Answer> ask(std::string_view method, const std::string& target, const Json* body = nullptr,
                      const Asking& how = {});
  // As ask(), but everything except 2xx is Trouble.
  Outcome<Json> demand(std::string_view method, const std::string& target, const Json* body = nullptr,
                       const Asking& how = {});
  Outcome<Json> get(const std::string& target, const Asking& how = {}) { return demand("GET", target, nullptr, how); }
  // The items of all pages of a list; `target` may have parameters. At most `most` items.
  Outcome<Json::Array> list(const std::string& target, std::size_t most = SIZE_MAX);

  // What an answer that is not 2xx says, with its errors, one line each.
  Trouble refusal(const Answer& answer) const;

  const std::string& url() const noexcept { return client_.settings().server; }

 private:
  Server(adapters::curl::HttpClient client, std::string token, std::string token_source);
  std::string who() const;

  adapters::curl::HttpClient client_;
  std::string token_;         // empty: none was found
  std::string token_source_;  // "$WEIR_TOKEN", or the file
};

// One line for a person: `route "orders": upstream_url: message; hint`.
std::string problem_line(const Json& error);

}  // namespace weir::remote
