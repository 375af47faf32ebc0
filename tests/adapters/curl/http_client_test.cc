// The client against servers that answer, hang up, are silent, or are not there.
#include "adapters/curl/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace weir::adapters::curl {
namespace {

using Kind = HttpFailure::Kind;

// Listens on a port of its own; with a script it takes one connection, reads a request and sends that.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Server() {
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void answer(std::string text) {
    thread_ = std::thread([this, text = std::move(text)] {
      const int peer = ::accept(listener_, nullptr, nullptr);
      char bytes[4096];
      while (!whole()) {
        const ssize_t got = ::read(peer, bytes, sizeof bytes);
        if (got <= 0) break;
        request_.append(bytes, static_cast<std::size_t>(got));
      }
      EXPECT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
      ::close(peer);
    });
  }
  const std::string& request() {
    if (thread_.joinable()) thread_.join();
    return request_;
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  bool whole() const {
    const std::size_t head = request_.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t length = request_.find("Content-Length: ");
    const std::size_t body =
        length == std::string::npos ? 0 : std::strtoul(request_.c_str() + length + 16, nullptr, 10);
    return request_.size() >= head + 4 + body;
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::string request_;
  std::thread thread_;
};

HttpClient client(const std::string& url) {
  return HttpClient({.server = url, .ca_file = {}, .cert_file = {}, .key_file = {}, .user_agent = "test"});
}

HttpRequest get(std::string target) {
  return {.method = "GET", .target = std::move(target), .fields = {}, .body = {}};
}

HttpFailure::Kind failure(const std::string& url, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
  HttpRequest request = get("/");
  request.timeout = timeout;
  const auto answer = client(url).ask(request);
  EXPECT_FALSE(answer.has_value());
  if (answer) return Kind::unusable;
  EXPECT_TRUE(answer.error().message.starts_with(url)) << answer.error().message;
  return answer.error().kind;
}

TEST(HttpClient, SendsWhatIsAskedAndGivesTheWholeAnswer) {
  Server server;
  server.answer("HTTP/1.1 201 Created\r\nETag: \"7\"\r\nContent-Length: 2\r\n\r\n{}");
  HttpRequest request{.method = "PATCH",
                      .target = "/v1/routes/a%2Fb?x=1",
                      .fields = {{"Authorization", "Bearer t"}},
                      .body = "{\"a\":1}"};
  const auto answer = client(server.url() + "/").ask(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->field("etag"), "\"7\"");
  EXPECT_EQ(answer->field("location"), "");
  EXPECT_EQ(answer->body, "{}");
  const std::string& sent = server.request();
  EXPECT_TRUE(sent.starts_with("PATCH /v1/routes/a%2Fb?x=1 HTTP/1.1\r\n")) << sent;
  EXPECT_TRUE(sent.contains("Authorization: Bearer t\r\n")) << sent;
  EXPECT_TRUE(sent.ends_with("\r\n\r\n{\"a\":1}")) << sent;
  EXPECT_FALSE(sent.contains("Expect:")) << sent;
}

TEST(HttpClient, FollowsNoRedirect) {
  Server server;
  server.answer("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  const auto answer = client(server.url()).ask(get("/"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 302);
}

TEST(HttpClient, UsesNoProxyOfTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  Server server;
  server.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client(server.url()).ask(get("/")).has_value());
  ::unsetenv("http_proxy");
}

TEST(HttpClient, SaysWhatIsWrong) {
  std::string nobody;
  {
    nobody = Server().url();
  }
  EXPECT_EQ(failure(nobody), Kind::unreachable);
  EXPECT_EQ(failure("ftp://127.0.0.1"), Kind::unusable);
  EXPECT_EQ(failure("http://127.0.0.1:port"), Kind::unusable);

  Server silent;  // takes the connection into its queue and says nothing
  EXPECT_EQ(failure(silent.url(), std::chrono::milliseconds(50)), Kind::timed_out);

  Server half;
  half.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(failure(half.url()), Kind::broken);

  Server mute;
  mute.answer("");
  EXPECT_EQ(failure(mute.url()), Kind::broken);

  Server odd;
  odd.answer("SSH-2.0-OpenSSH_9.2\r\n");
  EXPECT_EQ(failure(odd.url()), Kind::broken);
}

TEST(HttpClient, AFileThatIsNotThereIsNamed) {
  HttpClient without({.server = "https://127.0.0.1:1",
                      .ca_file = "/nowhere/ca.pem",
                      .cert_file = {},
                      .key_file = {},
                      .user_agent = {}});
  const auto answer = without.ask(get("/"));
  ASSERT_FALSE(answer.has_value());
}

TEST(PercentEncode, LeavesWhatIsUnreserved) {
  EXPECT_EQ(percent_encode("a-Z_0.~"), "a-Z_0.~");
  EXPECT_EQ(percent_encode("team:a/b c\xc3\xa4"), "team%3Aa%2Fb%20c%C3%A4");
}

}  // namespace
}  // namespace weir::adapters::curl
