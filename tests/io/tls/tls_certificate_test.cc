// Mistakes in certificate files and TLS settings, and how they are told.
#include "io/tls/tls_certificate.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <fstream>

#include "tests/io/tls/tls_pair.h"

namespace weir::io {
namespace {

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

}  // namespace
}  // namespace weir::io
