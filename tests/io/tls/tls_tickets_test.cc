// Session tickets: what resumes, and what must not (attacks C9).
#include "io/tls/tls_ticket_keys.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "tests/io/tls/tls_pair.h"

namespace weir::io {
namespace {

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

}  // namespace
}  // namespace weir::io
