// TLS contexts, proven by handshakes of a server's session with a client's over a socket pair, in one thread.
#include "io/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "io/tls_client.h"
#include "io/tls_server.h"
#include "tests/io/authority.h"

namespace weir::io {
namespace {

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
    made->server = server.new_session(made->server_fd());
    made->client = client()->new_session(made->client_fd(), host);
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

TEST_F(Tls, ChoosesTheCertificateByServerName) {
  const auto context = server({authority.issue("first", {.names = {"a.example"}}),
                               authority.issue("exact", {.names = {"www.b.example", "192.0.2.1"}}),
                               authority.issue("wild", {.names = {"*.b.example", "B.Example"}})});
  EXPECT_TRUE(context->warnings().empty());
  const std::pair<const char*, const char*> cases[] = {{"a.example", "first"},
                                                       {"WWW.b.example", "exact"},
                                                       {"x.b.example", "wild"},
                                                       {"b.example", "wild"},
                                                       {"a.example", "first"}};
  for (const auto& [host, expected] : cases) {
    auto both = pair(*context, host);
    ASSERT_TRUE(both->shake()) << host << ": " << both->client_error;
    EXPECT_EQ(presented(*both), expected) << host;
    EXPECT_TRUE(TlsServerContext::session_serves(both->server.get(), host));
    EXPECT_EQ(tls_info(both->server.get()).sni, host);
  }
}

TEST_F(Tls, UnknownNamesAndDeeperLabelsGetTheFirst) {
  const auto context = server(
      {authority.issue("first", {.names = {"a.example"}}), authority.issue("wild", {.names = {"*.b.example"}})});
  for (const char* host : {"nobody.example", "x.y.b.example", "b.example", ".b.example"}) {
    auto both = pair(*context, host);
    EXPECT_FALSE(both->shake()) << host;
    EXPECT_EQ(both->client_error, "certificate verify failed: hostname mismatch") << host;
  }
}

TEST_F(Tls, SaysWhichHostsASessionServes) {
  const auto context =
      server({authority.issue("one", {.names = {"a.example", "*.b.example", "192.0.2.1", "2001:db8::1"}}),
              authority.issue("two", {.names = {"c.example"}})});
  auto both = pair(*context, "a.example");
  ASSERT_TRUE(both->shake());
  for (const char* host : {"a.example", "A.EXAMPLE", "x.b.example", "192.0.2.1", "2001:db8::1", "[2001:DB8::1]"}) {
    EXPECT_TRUE(TlsServerContext::session_serves(both->server.get(), host)) << host;
  }
  const std::string long_name(300, 'a');
  for (const char* host : {"c.example", "b.example", "x.y.b.example", ".b.example", "192.0.2.2", "", "*.b.example.",
                           "[", "]", long_name.c_str()}) {
    EXPECT_FALSE(TlsServerContext::session_serves(both->server.get(), host)) << host;
  }
}

TEST_F(Tls, NegotiatesTheNewestVersionAndAlpn) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  auto both = pair(*context, "a.example");
  ASSERT_TRUE(both->shake());
  for (const SSL* end : {both->client.get(), both->server.get()}) {
    const TlsInfo info = tls_info(end);
    EXPECT_EQ(info.version, "TLSv1.3");
    EXPECT_EQ(info.alpn, "http/1.1");
    EXPECT_EQ(info.sni, "a.example");
    EXPECT_TRUE(info.cipher.starts_with("TLS_")) << info.cipher;
    EXPECT_FALSE(info.resumed);
  }
}

TEST_F(Tls, NoCommonAlpnIsFatal) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  auto both = pair(*context, "a.example");
  const unsigned char spdy[] = "\x06spdy/1";
  ASSERT_EQ(SSL_set_alpn_protos(both->client.get(), spdy, sizeof spdy - 1), 0);
  EXPECT_FALSE(both->shake());
  EXPECT_NE(both->client_error.find("no application protocol"), std::string::npos) << both->client_error;
  EXPECT_EQ(both->server_error, "no application protocol");
}

TEST_F(Tls, NoAlpnIsFine) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  auto both = pair(*context, "a.example");
  ASSERT_EQ(SSL_set_alpn_protos(both->client.get(), nullptr, 0), 0);
  EXPECT_TRUE(both->shake());
  EXPECT_EQ(tls_info(both->server.get()).alpn, "");
}

TEST_F(Tls, VerifiesNameAddressAndIssuer) {
  const auto context = server({authority.issue("a", {.names = {"a.example", "127.0.0.1"}})});
  EXPECT_TRUE(pair(*context, "127.0.0.1")->shake());
  auto wrong = pair(*context, "127.0.0.2");
  EXPECT_FALSE(wrong->shake());
  EXPECT_EQ(wrong->client_error, "certificate verify failed: IP address mismatch");

  Authority stranger;
  const auto foreign = server({stranger.issue("a", {.names = {"a.example"}})});
  auto untrusted = pair(*foreign, "a.example");
  EXPECT_FALSE(untrusted->shake());
  EXPECT_NE(untrusted->client_error.find("self-signed certificate in certificate chain"), std::string::npos);

  // The same stranger is taken by a client that was told not to verify.
  const auto blind = TlsClientContext::make({.server_name = "", .ca_file = "", .verify = false, .certificate = {}});
  ASSERT_TRUE(blind.has_value());
  Pair both;
  both.server = foreign->new_session(both.server_fd());
  both.client = (*blind)->new_session(both.client_fd(), "a.example");
  EXPECT_TRUE(both.shake());
}

TEST_F(Tls, ServerNameOfTheSettingsWins) {
  const auto context =
      server({authority.issue("first", {.names = {"z.example"}}), authority.issue("a", {.names = {"a.example"}})});
  const auto named =
      TlsClientContext::make({.server_name = "a.example", .ca_file = authority.ca_file(), .certificate = {}});
  ASSERT_TRUE(named.has_value());
  Pair both;
  both.server = context->new_session(both.server_fd());
  both.client = (*named)->new_session(both.client_fd(), "10.0.0.7");
  EXPECT_TRUE(both.shake()) << both.client_error;
}

TEST_F(Tls, PresentsTheClientCertificate) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  const auto known = TlsClientContext::make({.server_name = "",
                                             .ca_file = authority.ca_file(),
                                             .certificate = authority.issue("me", {.names = {"client.example"}})});
  ASSERT_TRUE(known.has_value());
  Pair both;
  both.server = context->new_session(both.server_fd());
  SSL_set_verify(both.server.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  both.client = (*known)->new_session(both.client_fd(), "a.example");
  ASSERT_TRUE(both.shake()) << both.server_error;
  X509* seen = SSL_get1_peer_certificate(both.server.get());
  EXPECT_NE(seen, nullptr);
  X509_free(seen);
}

TEST_F(Tls, RefusesOldVersions) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  const auto only_new = server({authority.issue("b", {.names = {"a.example"}})}, nullptr, "1.3");
  const auto attempt = [&](const TlsServerContext& on, int version) {
    auto both = pair(on, "a.example");
    // Level 0: else the client itself would refuse to offer TLS 1.1.
    SSL_set_security_level(both->client.get(), 0);
    SSL_set_min_proto_version(both->client.get(), version);
    SSL_set_max_proto_version(both->client.get(), version);
    return both->shake() ? std::string(tls_info(both->server.get()).version) : both->server_error;
  };
  EXPECT_EQ(attempt(*context, TLS1_1_VERSION), "unsupported protocol");
  EXPECT_EQ(attempt(*context, TLS1_2_VERSION), "TLSv1.2");
  EXPECT_EQ(attempt(*only_new, TLS1_2_VERSION), "unsupported protocol");
  EXPECT_EQ(attempt(*only_new, TLS1_3_VERSION), "TLSv1.3");
}

TEST_F(Tls, RefusesRenegotiation) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  auto both = pair(*context, "a.example");
  SSL_set_max_proto_version(both->client.get(), TLS1_2_VERSION);
  ASSERT_TRUE(both->shake());
  SSL_clear_options(both->client.get(), SSL_OP_NO_RENEGOTIATION);
  ASSERT_EQ(SSL_renegotiate(both->client.get()), 1);
  EXPECT_LE(SSL_do_handshake(both->client.get()), 0);
  char byte = 0;
  EXPECT_LE(SSL_read(both->server.get(), &byte, 1), 0);
  clear_tls_errors();
  EXPECT_LE(SSL_read(both->client.get(), &byte, 1), 0);
  EXPECT_EQ(tls_error(), "no renegotiation");
}

// Tickets. Each case is run with TLS 1.2 and 1.3: OpenSSL takes different ways for them.
class TlsTickets : public Tls, public ::testing::WithParamInterface<int> {
 protected:
  SessionPtr first_visit(const TlsServerContext& context, const std::string& host) {
    auto both = pair(context, host);
    SSL_set_max_proto_version(both->client.get(), GetParam());
    EXPECT_TRUE(both->shake()) << both->client_error;
    EXPECT_FALSE(tls_info(both->server.get()).resumed);
    return both->ticket();
  }

  // Offers a copy: OpenSSL marks a session as used up in many ways, and then would offer nothing.
  bool resumes(const TlsServerContext& context, const std::string& host, SSL_SESSION* original) {
    const SessionPtr session(SSL_SESSION_dup(original));
    EXPECT_EQ(SSL_SESSION_is_resumable(session.get()), 1);
    auto both = pair(context, host);
    SSL_set_max_proto_version(both->client.get(), GetParam());
    SSL_set_session(both->client.get(), session.get());
    EXPECT_TRUE(both->shake()) << both->client_error << both->server_error;
    EXPECT_EQ(tls_info(both->server.get()).sni, host);
    return tls_info(both->server.get()).resumed;
  }
};

TEST_P(TlsTickets, SurviveAReloadButNotAnotherVhost) {
  TlsTicketKeys keys;
  const CertificateRequest a{.names = {"a.example"}};
  const CertificateRequest b{.names = {"b.example"}};
  const auto context = server({authority.issue("a", a), authority.issue("b", b)}, &keys);
  const SessionPtr ticket = first_visit(*context, "b.example");
  EXPECT_TRUE(resumes(*context, "b.example", ticket.get()));
  EXPECT_FALSE(resumes(*context, "a.example", ticket.get()));

  // Renewed certificates, the other order: another default, the same vhosts.
  const auto reloaded = server({authority.issue("b2", b), authority.issue("a2", a)}, &keys);
  EXPECT_TRUE(resumes(*reloaded, "b.example", ticket.get()));
  EXPECT_FALSE(resumes(*reloaded, "a.example", ticket.get()));
  // The same name under another policy is another vhost.
  const auto stricter = server({authority.issue("b3", {.names = {"b.example", "c.example"}})}, &keys);
  EXPECT_FALSE(resumes(*stricter, "b.example", ticket.get()));
}

TEST_P(TlsTickets, OfTheDefaultVhostAreNotGoodElsewhere) {
  const auto context = server(
      {authority.issue("a", {.names = {"a.example"}}), authority.issue("b", {.names = {"b.example"}})}, nullptr);
  const SessionPtr ticket = first_visit(*context, "a.example");
  EXPECT_TRUE(resumes(*context, "a.example", ticket.get()));
  EXPECT_FALSE(resumes(*context, "b.example", ticket.get()));
}

TEST_P(TlsTickets, OpenForTwoPeriods) {
  TimePoint now{};
  TlsTicketKeys keys(std::chrono::hours(2), [&] { return now; });
  const auto context = server({authority.issue("a", {.names = {"a.example"}})}, &keys);
  const SessionPtr ticket = first_visit(*context, "a.example");
  now += std::chrono::hours(3);
  EXPECT_TRUE(resumes(*context, "a.example", ticket.get()));
  now += std::chrono::hours(2);
  EXPECT_FALSE(resumes(*context, "a.example", ticket.get()));
}

TEST_P(TlsTickets, OfAnOldKeyAreRefusedAfterASilence) {
  TimePoint now{};
  TlsTicketKeys keys(std::chrono::hours(2), [&] { return now; });
  const auto context = server({authority.issue("a", {.names = {"a.example"}})}, &keys);
  const SessionPtr ticket = first_visit(*context, "a.example");
  now += std::chrono::hours(4);
  EXPECT_FALSE(resumes(*context, "a.example", ticket.get()));
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsTickets, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& chosen) { return chosen.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_F(Tls, ASessionKeepsItsContextAlive) {
  auto context =
      server({authority.issue("a", {.names = {"a.example"}}), authority.issue("b", {.names = {"b.example"}})});
  auto both = pair(*context, "b.example");
  const std::weak_ptr<const TlsServerContext> watch = context;
  context.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_TRUE(both->shake());
  EXPECT_EQ(presented(*both), "b");
  both.reset();
  EXPECT_TRUE(watch.expired());
}

TEST_F(Tls, WarnsOfWhatClientsWillRefuse) {
  const auto warned = [&](const CertificateRequest& request) {
    const auto context = server({authority.issue("w", request)});
    return context == nullptr || context->warnings().empty() ? std::string() : context->warnings().front();
  };
  EXPECT_EQ(warned({.names = {"a.example"}}), "");
  EXPECT_NE(warned({.names = {"a.example"}, .valid_until = -60}).find("w.crt has expired"), std::string::npos);
  EXPECT_NE(warned({.names = {"a.example"}, .valid_from = 60}).find("w.crt is not valid yet"), std::string::npos);
  EXPECT_NE(warned({}).find("no subjectAltName"), std::string::npos);
  EXPECT_NE(warned({.names = {"good.example", std::string("a.example\0.evil", 15)}}).find("no DNS name"),
            std::string::npos);

  const auto twice = server({authority.issue("w1", {.names = {"a.example", "b.example"}}),
                             authority.issue("w2", {.names = {"b.example"}})});
  ASSERT_EQ(twice->warnings().size(), 1u);
  EXPECT_NE(twice->warnings()[0].find("w2.crt is never chosen"), std::string::npos);

  CertificateFiles open = authority.issue("open", {.names = {"a.example"}});
  ASSERT_EQ(::chmod(open.key_file.c_str(), 0644), 0);
  EXPECT_NE(server({open})->warnings().at(0).find("open.key can be read by every user"), std::string::npos);
}

TEST_F(Tls, ANulInANameEndsNothing) {
  const auto context = server({authority.issue("a", {.names = {std::string("a.example\0.evil", 15), "b.example"}})});
  auto both = pair(*context, "b.example");
  ASSERT_TRUE(both->shake());
  EXPECT_FALSE(TlsServerContext::session_serves(both->server.get(), "a.example"));
}

TEST_F(Tls, TellsMistakesInFiles) {
  const CertificateFiles good = authority.issue("good", {.names = {"a.example"}});
  const CertificateFiles other = authority.issue("other", {.names = {"a.example"}});
  const std::string folder = authority.folder();

  Problem problem = refused({good.cert_file, other.key_file});
  EXPECT_EQ(problem.path, "certificates[0].key_file");
  EXPECT_NE(problem.message.find("other.key is not the key of the first certificate in"), std::string::npos);
  EXPECT_NE(problem.hint.find("same renewal"), std::string::npos);

  problem = refused({folder + "/absent.crt", good.key_file});
  EXPECT_EQ(problem.path, "certificates[0].cert_file");
  EXPECT_EQ(problem.message, "cannot read " + folder + "/absent.crt: No such file or directory");
  EXPECT_EQ(refused({folder, good.key_file}).message, "cannot read " + folder + ": Is a directory");
  EXPECT_EQ(refused({good.cert_file, ""}).message, "no file is named");

  problem = refused({good.key_file, good.key_file});
  EXPECT_NE(problem.message.find("no certificate in"), std::string::npos);
  problem = refused({good.cert_file, good.cert_file});
  EXPECT_NE(problem.message.find("no private key in"), std::string::npos);

  const std::string locked = folder + "/locked.key";
  Authority::write_key(locked, Authority::make_key().get(), "secret");
  problem = refused({good.cert_file, locked});
  EXPECT_NE(problem.message.find("needs a passphrase"), std::string::npos);
  EXPECT_NE(problem.hint.find("openssl pkey -in"), std::string::npos);

  const std::string damaged = folder + "/damaged.crt";
  std::ofstream(damaged) << std::ifstream(good.cert_file).rdbuf()
                         << "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n";
  EXPECT_NE(refused({damaged, good.key_file}).message.find("is damaged"), std::string::npos);

  // The chain upside down: the authority's certificate first.
  const std::string upside_down = folder + "/upside_down.crt";
  std::ofstream(upside_down) << std::ifstream(authority.ca_file()).rdbuf() << std::ifstream(good.cert_file).rdbuf();
  EXPECT_NE(refused({upside_down, good.key_file}).hint.find("own certificate first"), std::string::npos);
}

TEST_F(Tls, TellsMistakesInSettings) {
  TlsServerSettings settings;
  EXPECT_EQ(TlsServerContext::make(settings).error().path, "certificates");
  settings.certificates = {authority.issue("a", {.names = {"a.example"}})};
  settings.min_version = "1.1";
  EXPECT_EQ(TlsServerContext::make(settings).error().path, "min_version");
  settings.min_version = "1.2";
  settings.alpn = {""};
  EXPECT_EQ(TlsServerContext::make(settings).error().path, "alpn");
  const auto client_of = [](const std::string& ca_file) {
    return TlsClientContext::make({.server_name = "", .ca_file = ca_file, .certificate = {}});
  };
  EXPECT_EQ(client_of("/nowhere/ca.crt").error().path, "ca_file");
  EXPECT_NE(client_of(settings.certificates[0].key_file).error().message.find("no certificate in"),
            std::string::npos);
  EXPECT_EQ(client()->new_session(-1, ""), nullptr);
}

TEST_F(Tls, FailureIsStaticTextAndEmptiesTheQueue) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  auto both = pair(*context, "b.example");
  int result = 0;
  for (int i = 0; i < 5; ++i) {
    clear_tls_errors();
    result = SSL_do_handshake(both->client.get());
    if (SSL_get_error(both->client.get(), result) == SSL_ERROR_SSL) break;
    SSL_do_handshake(both->server.get());
  }
  EXPECT_EQ(tls_failure(both->client.get()), "hostname mismatch");
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_EQ(tls_error(), "connection closed");
}

}  // namespace
}  // namespace weir::io
