// The fixture of the TLS tests: a server's and a client's session that shake hands over a socket pair, in one thread.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "io/tls/tls.h"
#include "io/tls/tls_client.h"
#include "io/tls/tls_server.h"
#include "tests/io/authority.h"

namespace weir::io {

struct SessionFree {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionFree>;

// Two ends that shake hands until both are done or one fails.
class Pair {
 public:
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_), 0); }
  ~Pair() {
    client.reset();
    server.reset();
    for (const int fd : fds_) ::close(fd);
  }
  int client_fd() const { return fds_[0]; }
  int server_fd() const { return fds_[1]; }

  bool shake() {
    for (int round = 0; round < 20; ++round) {
      const bool client_done = step(client.get(), client_error);
      const bool server_done = step(server.get(), server_error);
      if (!client_error.empty() || !server_error.empty()) {
        // So that the other side reads the alert.
        step(client.get(), client_error);
        return false;
      }
      if (client_done && server_done) return true;
    }
    ADD_FAILURE() << "the handshake does not end";
    return false;
  }

  // What the client could resume with. TLS 1.3 sends it after the handshake, so the client has to read for it.
  SessionPtr ticket() {
    char byte = 0;
    EXPECT_LE(SSL_read(client.get(), &byte, 1), 0);
    clear_tls_errors();
    SessionPtr session(SSL_get1_session(client.get()));
    EXPECT_EQ(SSL_SESSION_has_ticket(session.get()), 1);
    // A session that is freed without an orderly end takes its ticket with it.
    SSL_shutdown(client.get());
    return session;
  }

  SslPtr client;
  SslPtr server;
  std::string client_error;
  std::string server_error;

 private:
  static bool step(SSL* ssl, std::string& error) {
    clear_tls_errors();
    const int result = SSL_do_handshake(ssl);
    if (result == 1) return true;
    const int why = SSL_get_error(ssl, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE && error.empty()) error = tls_error(ssl);
    return false;
  }

  int fds_[2];
};

class Tls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }

  std::shared_ptr<const TlsServerContext> server(std::vector<CertificateFiles> certificates,
                                                 TlsTicketKeys* keys = nullptr, std::string min_version = "1.2") {
    TlsServerSettings settings;
    settings.certificates = std::move(certificates);
    settings.min_version = std::move(min_version);
    auto made = TlsServerContext::make(settings, keys);
    if (!made) {
      ADD_FAILURE() << describe(made.error(), "weir.yaml");
      return nullptr;
    }
    return *made;
  }

  std::shared_ptr<const TlsClientContext> client() {
    auto made = TlsClientContext::make({.server_name = "", .ca_file = authority.ca_file(), .certificate = {}});
    EXPECT_TRUE(made.has_value());
    return made ? *made : nullptr;
  }

  std::unique_ptr<Pair> pair(const TlsServerContext& server, const std::string& host) {
    auto made = std::make_unique<Pair>();
    made->server.reset(server.new_session(made->server_fd()));
    made->client.reset(client()->new_session(made->client_fd(), host));
    return made;
  }

  std::string presented(Pair& pair) {
    X509* certificate = SSL_get1_peer_certificate(pair.client.get());
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
    return name;
  }

  Problem refused(const CertificateFiles& files) {
    TlsServerSettings settings;
    settings.certificates = {files};
    auto made = TlsServerContext::make(settings);
    EXPECT_FALSE(made.has_value());
    return made ? Problem{} : made.error();
  }

  Authority authority;
};

}  // namespace weir::io
