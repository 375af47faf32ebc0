// TLS contexts, proven by handshakes of a server's session with a client's over a socket pair, in one thread.
#include "io/tls/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/io/tls/tls_pair.h"

namespace weir::io {
namespace {

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
  both.server.reset(foreign->new_session(both.server_fd()));
  both.client.reset((*blind)->new_session(both.client_fd(), "a.example"));
  EXPECT_TRUE(both.shake());
}

TEST_F(Tls, ServerNameOfTheSettingsWins) {
  const auto context =
      server({authority.issue("first", {.names = {"z.example"}}), authority.issue("a", {.names = {"a.example"}})});
  const auto named =
      TlsClientContext::make({.server_name = "a.example", .ca_file = authority.ca_file(), .certificate = {}});
  ASSERT_TRUE(named.has_value());
  Pair both;
  both.server.reset(context->new_session(both.server_fd()));
  both.client.reset((*named)->new_session(both.client_fd(), "10.0.0.7"));
  EXPECT_TRUE(both.shake()) << both.client_error;
}

TEST_F(Tls, PresentsTheClientCertificate) {
  const auto context = server({authority.issue("a", {.names = {"a.example"}})});
  const auto known = TlsClientContext::make({.server_name = "",
                                             .ca_file = authority.ca_file(),
                                             .certificate = authority.issue("me", {.names = {"client.example"}})});
  ASSERT_TRUE(known.has_value());
  Pair both;
  both.server.reset(context->new_session(both.server_fd()));
  SSL_set_verify(both.server.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  both.client.reset((*known)->new_session(both.client_fd(), "a.example"));
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
