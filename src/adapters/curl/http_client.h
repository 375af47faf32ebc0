// A blocking HTTP client for commands that a person waits for: one request at a time, over http or https, by libcurl,
// which stops in this folder. Used by app/operator. It follows no redirect and uses no proxy, whatever the
// environment says: with each request goes a token that is meant for one server. One thread per client.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::adapters::curl {

using Fields = std::vector<std::pair<std::string, std::string>>;

// The largest answer taken: a document of 50,000 routes of 300 bytes is 15 MB, and as JSON with its marks twice that.
inline constexpr std::size_t kAnswerLimit = std::size_t{64} << 20;

struct HttpSettings {
  std::string server;      // "https://weir.example.com:9081"; a path behind it is put before every target
  std::string ca_file;     // PEM; empty: the system's authorities
  std::string cert_file;   // PEM, to show to the server; empty: none
  std::string key_file;    // PEM; empty: it is in cert_file
  std::string user_agent;  // "weir/0.1.0"
  std::chrono::milliseconds connect_timeout{5'000};
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // "/v1/routes?limit=1000", encoded
  Fields fields;
  std::string body;                           // empty: none
  std::chrono::milliseconds timeout{30'000};  // for all of it
};

struct HttpAnswer {
  int status = 0;
  Fields fields;  // names in lower case, in order
  std::string body;

  std::string_view field(std::string_view lower_case_name) const noexcept;  // the first; empty: none
};

// No answer. The message is a sentence that names the server.
struct HttpFailure {
  enum class Kind : std::uint8_t {
    unusable,     // the settings: a URL that is none, a file that cannot be read
    unreachable,  // nobody answers there: no such name, refused, no route
    timed_out,    // within the time that was given
    distrusted,   // TLS: one of the two does not believe the other
    broken,       // ended in the middle, or was no HTTP
  };
  Kind kind = Kind::broken;
  std::string message;
};

class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;

  const HttpSettings& settings() const noexcept { return settings_; }
  std::expected<HttpAnswer, HttpFailure> ask(const HttpRequest& request);

 private:
  struct Handle;  // curl's; keeps the connection for the next request

  HttpSettings settings_;
  std::unique_ptr<Handle> handle_;
};

// Everything but unreserved characters (RFC 3986 §2.3) as %XX: a name as one segment of a path, or as a query value.
std::string percent_encode(std::string_view text);

}  // namespace weir::adapters::curl
