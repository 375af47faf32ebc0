#include "adapters/curl/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace weir::adapters::curl {
namespace {

struct CloseEasy {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

// Writing to a server that hung up must be an error, not the end of the command: curl asks for SIGPIPE to be ignored.
void start_curl() {
  static const bool kStarted = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  static_cast<void>(kStarted);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

std::size_t take_body(char* data, std::size_t, std::size_t size, void* answer) {
  std::string& body = static_cast<HttpAnswer*>(answer)->body;
  if (body.size() + size > kAnswerLimit) return 0;
  body.append(data, size);
  return size;
}

std::size_t take_field(char* data, std::size_t, std::size_t size, void* into) {
  auto& answer = *static_cast<HttpAnswer*>(into);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {
    answer.fields.clear();  // of an interim answer
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  answer.fields.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
  return size;
}

HttpFailure::Kind kind_of(CURLcode code) {
  using Kind = HttpFailure::Kind;
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return Kind::unusable;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return Kind::unreachable;
    case CURLE_OPERATION_TIMEDOUT:
      return Kind::timed_out;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Kind::distrusted;
    default:
      return Kind::broken;
  }
}

// What curl says in full ("Failed to connect to 127.0.0.1 port 9081 after 0 ms: Couldn't connect to server") is
// exact but reads badly; the cause in plain words comes first.
std::string_view words_of(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return "is not a URL of the form http://HOST:PORT or https://HOST:PORT";
    case CURLE_SSL_CACERT_BADFILE:
      return "cannot be asked: the file of authorities cannot be used";
    case CURLE_SSL_CERTPROBLEM:
      return "cannot be asked: the client certificate or its key cannot be used";
    case CURLE_COULDNT_RESOLVE_HOST:
      return "has a host name that does not resolve";
    case CURLE_COULDNT_CONNECT:
      return "does not take connections";
    case CURLE_OPERATION_TIMEDOUT:
      return "did not answer in time";
    case CURLE_SSL_CONNECT_ERROR:
      return "does not speak TLS as it should";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return "shows a certificate that is not trusted";
    case CURLE_WRITE_ERROR:
      return "sent more than this program takes";
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
      return "hung up before its answer was whole";
    case CURLE_WEIRD_SERVER_REPLY:
      return "does not answer in HTTP";
    default:
      return "could not be asked";
  }
}

}  // namespace

struct HttpClient::Handle {
  std::unique_ptr<CURL, CloseEasy> easy;
  std::array<char, CURL_ERROR_SIZE> complaint{};
};

std::string_view HttpAnswer::field(std::string_view lower_case_name) const noexcept {
  for (const auto& [name, value] : fields)
    if (name == lower_case_name) return value;
  return {};
}

HttpClient::HttpClient(HttpSettings settings) : settings_(std::move(settings)), handle_(std::make_unique<Handle>()) {
  start_curl();
  while (settings_.server.ends_with('/')) settings_.server.pop_back();
  handle_->easy.reset(curl_easy_init());
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

std::expected<HttpAnswer, HttpFailure> HttpClient::ask(const HttpRequest& request) {
  CURL* easy = handle_->easy.get();
  if (easy == nullptr) return std::unexpected(HttpFailure{HttpFailure::Kind::broken, "libcurl does not start"});
  HttpAnswer answer;
  curl_easy_reset(easy);  // keeps the connection
  handle_->complaint[0] = '\0';
  const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_ERRORBUFFER, handle_->complaint.data());
  set(CURLOPT_URL, (settings_.server + request.target).c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(CURLOPT_USERAGENT, settings_.user_agent.c_str());
  if (!settings_.ca_file.empty()) set(CURLOPT_CAINFO, settings_.ca_file.c_str());
  if (!settings_.cert_file.empty()) {
    set(CURLOPT_SSLCERT, settings_.cert_file.c_str());
    set(CURLOPT_SSLKEY, (settings_.key_file.empty() ? settings_.cert_file : settings_.key_file).c_str());
  }
  List fields;
  const auto add_field = [&fields](const std::string& line) {
    if (curl_slist* longer = curl_slist_append(fields.get(), line.c_str())) {
      static_cast<void>(fields.release());
      fields.reset(longer);
    }
  };
  for (const auto& [name, value] : request.fields) add_field(fmt::format("{}: {}", name, value));
  add_field("Expect:");  // no 100-continue: a small body is sooner sent than asked for
  set(CURLOPT_HTTPHEADER, fields.get());
  if (!request.body.empty()) {
    set(CURLOPT_POSTFIELDS, request.body.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, &answer);
  set(CURLOPT_HEADERFUNCTION, &take_field);
  set(CURLOPT_HEADERDATA, &answer);

  CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) {
    const std::string_view said(handle_->complaint.data());
    // What is no HTTP at all passes for its version 0.9, a protocol that curl does not support by itself.
    if (code == CURLE_UNSUPPORTED_PROTOCOL && said.contains("HTTP/0.9")) code = CURLE_WEIRD_SERVER_REPLY;
    return std::unexpected(HttpFailure{
        kind_of(code), fmt::format("{} {} ({})", settings_.server, words_of(code),
                                   said.empty() ? std::string_view(curl_easy_strerror(code)) : trimmed(said))});
  }
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alnum || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace weir::adapters::curl
