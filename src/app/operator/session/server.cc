#include "app/operator/session/server.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "app/operator/session/token.h"

namespace weir::remote {
namespace {

using adapters::curl::HttpFailure;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string_view what_to_do(HttpFailure::Kind kind) {
  switch (kind) {
    case HttpFailure::Kind::unusable:
      return "say where it is with --server or WEIR_SERVER";
    case HttpFailure::Kind::unreachable:
      return "is `weir control`, or `weir serve` with a section `control`, running there? Another address: --server "
             "or WEIR_SERVER";
    case HttpFailure::Kind::timed_out:
      return "it may be busy, or its database slow: whether a change was made, `weir history` and `weir diff` say";
    case HttpFailure::Kind::distrusted:
      return "name the authority that its certificate comes from with --ca-file or WEIR_CA_FILE; if it asks for a "
             "certificate of yours: --cert-file and --key-file";
    case HttpFailure::Kind::broken:
      break;
  }
  return "whether a change was made, `weir history` and `weir diff` say";
}

// The host is this machine, so that a token without TLS is seen by nobody.
bool is_loopback(std::string_view url) {
  const std::string_view host = url.substr(url.find("://") + 3);
  return host.starts_with("127.") || host.starts_with("[::1]") || host.starts_with("localhost");
}

std::string_view text(const Json& object, std::string_view name) {
  const Json* found = object.find(name);
  return found == nullptr ? std::string_view() : found->as_string();
}

}  // namespace

int tell(std::string_view command, const Trouble& trouble) {
  std::fflush(stdout);
  fmt::print(stderr, "weir {}: {}\n", command, trouble.text);
  if (trouble.exit_code == kUsage) fmt::print(stderr, "Try: weir {} --help\n", command);
  return trouble.exit_code;
}

std::string problem_line(const Json& error) {
  std::string out;
  const std::string_view kind = text(error, "kind");
  const std::string_view name = text(error, "name");
  const std::string_view field = text(error, "field");
  if (!kind.empty()) out += fmt::format("{}{}: ", kind, name.empty() ? "" : fmt::format(" \"{}\"", name));
  if (!field.empty()) out += fmt::format("{}: ", field);
  out += text(error, "message");
  if (const std::string_view hint = text(error, "hint"); !hint.empty()) out += fmt::format("; {}", hint);
  return out;
}

Outcome<Server> Server::at(const ServerOptions& options) {
  adapters::curl::HttpSettings settings;
  settings.server = options.server.empty() ? from_environment("WEIR_SERVER") : options.server;
  if (settings.server.empty()) settings.server = kDefaultServer;
  if (!settings.server.starts_with("http://") && !settings.server.starts_with("https://")) {
    const bool bare = !settings.server.contains("://");
    return std::unexpected(
        Trouble{kUsage, fmt::format("the server \"{}\" is not a URL{}", settings.server,
                                    bare ? fmt::format("; did you mean \"http://{}\"?", settings.server)
                                         : std::string(" of the form http://HOST:PORT or https://HOST:PORT"))});
  }
  settings.ca_file = options.ca_file.empty() ? from_environment("WEIR_CA_FILE") : options.ca_file;
  settings.cert_file = options.cert_file;
  settings.key_file = options.key_file;
  settings.user_agent = "weir";
  auto token = find_token(options.token_file);
  if (!token) return std::unexpected(Trouble{kUsage, token.error()});
  if (!token->text.empty() && settings.server.starts_with("http://") && !is_loopback(settings.server)) {
    fmt::print(stderr, "weir: warning: the token goes to {} without TLS, for everybody on the way to read\n",
               settings.server);
  }
  return Server(adapters::curl::HttpClient(std::move(settings)), std::move(token->text), std::move(token->source));
}

Server::Server(adapters::curl::HttpClient client, std::string token, std::string token_source)
    : client_(std::move(client)), token_(std::move(token)), token_source_(std::move(token_source)) {}

std::string Server::who() const {
  if (token_.empty())
    return fmt::format("no token was shown to {}: put one in WEIR_TOKEN, in a file named with --token-file, or in {}",
                       url(), home_token_file());
  return fmt::format("{} does not take the token of {} ({})", url(), token_source_, token_hint(token_));
}

Outcome<Answer> Server::ask(std::string_view method, const std::string& target, const Json* body, const Asking& how) {
  adapters::curl::HttpRequest request{
      .method = std::string(method), .target = target, .fields = how.fields, .body = {}, .timeout = how.timeout};
  if (!token_.empty()) request.fields.emplace_back("Authorization", "Bearer " + token_);
  request.fields.emplace_back("Accept", "application/json, application/problem+json");
  if (body != nullptr) {
    request.fields.emplace_back("Content-Type", "application/json");
    request.body = to_canonical(*body);
  }
  const auto got = client_.ask(request);
  if (!got) {
    const int code = got.error().kind == HttpFailure::Kind::unusable ? kUsage : kNotReached;
    return std::unexpected(Trouble{code, fmt::format("{}\n  {}", got.error().message, what_to_do(got.error().kind))});
  }
  Answer answer{got->status, {}};
  auto parsed = parse_json(got->body);
  if (parsed) answer.body = std::move(*parsed);
  if (answer.status == 401 || answer.status >= 500) return std::unexpected(refusal(answer));
  if (!got->body.empty() && !parsed) {
    return std::unexpected(
        Trouble{kNotReached, fmt::format("{} answers {} {} with {} and no JSON: is that the admin API of Weir?",
                                         url(), method, target, answer.status)});
  }
  return answer;
}

Outcome<Json> Server::demand(std::string_view method, const std::string& target, const Json* body,
                             const Asking& how) {
  auto answer = ask(method, target, body, how);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (!answer->ok()) return std::unexpected(refusal(*answer));
  return std::move(answer->body);
}

Outcome<Json::Array> Server::list(const std::string& target, std::size_t most) {
  Json::Array out;
  std::string cursor;
  do {
    const char separator = target.contains('?') ? '&' : '?';
    const std::size_t limit = std::min<std::size_t>(1000, most - out.size());
    auto page = get(fmt::format("{}{}limit={}{}{}", target, separator, limit,
                                cursor.empty() ? "" : "&cursor=", adapters::curl::percent_encode(cursor)));
    if (!page) return std::unexpected(std::move(page.error()));
    if (const Json* items = page->find("items")) out.insert(out.end(), items->items().begin(), items->items().end());
    cursor = text(*page, "next_cursor");
  } while (!cursor.empty() && out.size() < most);
  return out;
}

Trouble Server::refusal(const Answer& answer) const {
  const std::string_view title = text(answer.body, "title");
  const Json* errors = answer.body.find("errors");
  // Of a single mistake the detail says the same.
  const bool one = errors != nullptr && errors->items().size() == 1;
  const std::string_view detail = one ? std::string_view() : text(answer.body, "detail");
  std::string said = fmt::format("{}{}{}", title, title.empty() || detail.empty() ? "" : " ", detail);
  if (said.empty()) said = fmt::format("{} answers {}", url(), answer.status);
  if (answer.status == 401) return {kProblems, fmt::format("{}\n  {}", who(), said)};
  if (answer.status >= 500) return {kNotReached, fmt::format("{}: {}", url(), said)};
  if (answer.status == 403 && !token_.empty()) said += fmt::format("\n  the token is that of {}", token_source_);
  std::string lines;
  if (errors != nullptr)
    for (const Json& error : errors->items()) lines += fmt::format("\n  {}", problem_line(error));
  return {kProblems, said + lines};
}

}  // namespace weir::remote
