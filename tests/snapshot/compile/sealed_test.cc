// Certificates and secrets that a document holds sealed: opened with the master key, proven whether used or not.
#include "snapshot/compile/sealed.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json/json.h"
#include "identity/seal.h"
#include "io/tls/tls_server.h"
#include "snapshot/compile/compile.h"
#include "tests/io/authority.h"
#include "tests/snapshot/fake_filters.h"
#include "tests/snapshot/snapshot_summary.h"

namespace weir::snapshot {
namespace {

constexpr std::string_view kMasterKey = "a master key of the tests, 32 bytes and more";

std::string read(const std::string& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

Json sealed_certificate(io::Authority& authority, const std::string& name, std::string_view about) {
  const io::CertificateFiles files = authority.issue(name, {.names = {name + ".example"}});
  return Json::object()
      .set("name", name)
      .set("cert_pem", read(files.cert_file))
      .set("key", identity::seal(read(files.key_file), kMasterKey, about));
}

Json document_of(Json certificates, Json secrets, std::string_view shown) {
  Json out = *parse_json(R"({"listeners": [{"address": "127.0.0.1:0"}],
    "routes": [{"route_id": "a", "path_pattern": "/a", "upstream_url": "http://127.0.0.1:1"}],
    "consumers": [{"name": "shop", "credentials": {"hmac": [{"key_id": "k", "secret_name": "partner"}]}}]})");
  if (!shown.empty())
    out.set("listeners",
            *parse_json(R"([{"address": "127.0.0.1:0", "tls": {"certificates": )" + std::string(shown) + "}}]"));
  return out.set("certificates", std::move(certificates)).set("secrets", std::move(secrets));
}

Json secret(std::string_view name, std::string_view about) {
  return Json::object()
      .set("name", name)
      .set("value", identity::seal("a secret of a partner, 32 bytes and more", kMasterKey, about));
}

std::expected<std::shared_ptr<const Snapshot>, Problems> compile_with(const Json& document,
                                                                      std::string_view master_key) {
  return compile(document, {.filters = fake::table(), .base_dir = {}, .master_key = std::string(master_key)});
}

std::vector<std::string> paths(const std::expected<std::shared_ptr<const Snapshot>, Problems>& compiled) {
  std::vector<std::string> out;
  if (!compiled)
    for (const Problem& problem : compiled.error()) out.push_back(problem.path);
  return out;
}

TEST(CompileSealed, WhatIsSealedIsOpenedAndUsed) {
  io::Authority authority;
  Json certificates = Json::array();
  certificates.push(sealed_certificate(authority, "one", "certificate/one"));
  certificates.push(sealed_certificate(authority, "two", "certificate/two"));
  Json secrets = Json::array();
  secrets.push(secret("partner", "secret/partner"));
  const auto compiled = compile_with(document_of(certificates, secrets, R"(["all"])"), kMasterKey);
  ASSERT_TRUE(compiled) << summary(compiled);
  EXPECT_NE((*compiled)->listeners[0].tls, nullptr);
  EXPECT_TRUE((*compiled)->warnings.empty()) << (*compiled)->warnings[0];
  EXPECT_EQ((*compiled)->consumers->by_key_id("k")->secret, "a secret of a partner, 32 bytes and more");
}

TEST(CompileSealed, NothingOpensWithAnotherKeyOrUnderAnotherName) {
  io::Authority authority;
  Json certificates = Json::array();
  certificates.push(sealed_certificate(authority, "one", "certificate/two"));
  Json secrets = Json::array();
  secrets.push(secret("partner", "certificate/partner"));
  secrets.push(secret("unused", "secret/unused"));
  const Json document = document_of(certificates, secrets, "");
  EXPECT_EQ(paths(compile_with(document, kMasterKey)),
            (std::vector<std::string>{"certificates[0].key", "secrets[0].value",
                                      "consumers[0].credentials.hmac[0].secret_name"}));
  const auto refused = paths(compile_with(document, "another master key, as long as the other"));
  EXPECT_EQ(refused.size(), 4U) << "unused ones are proven too";
}

TEST(CompileSealed, WithoutTheKeyOnlyWhatIsUsedIsAProblem) {
  io::Authority authority;
  Json certificates = Json::array();
  certificates.push(sealed_certificate(authority, "one", "certificate/one"));
  Json secrets = Json::array();
  secrets.push(secret("unused", "secret/unused"));
  Json document = document_of(certificates, secrets, "");
  document.set("consumers", Json::array());
  EXPECT_TRUE(compile_with(document, "")) << summary(compile_with(document, ""));
  document.set("listeners",
               *parse_json(R"([{"address": "127.0.0.1:0", "tls": {"certificates": [{"name": "one"}]}}])"));
  EXPECT_EQ(paths(compile_with(document, "")), std::vector<std::string>{"certificates[0].key"});
}

TEST(CompileSealed, ACertificateIsProvenWhereItStands) {
  io::Authority authority;
  Json mixed = sealed_certificate(authority, "one", "certificate/one");
  mixed.set("cert_pem", read(authority.issue("other", {.names = {"other.example"}}).cert_file));
  Json certificates = Json::array();
  certificates.push(mixed);
  Json secrets = Json::array();
  secrets.push(secret("partner", "secret/partner"));
  for (const std::string_view shown : {"", R"(["all"])", R"([{"name": "one"}])"}) {
    const auto compiled = compile_with(document_of(certificates, secrets, shown), kMasterKey);
    ASSERT_EQ(paths(compiled), std::vector<std::string>{"certificates[0].key"}) << shown;
    EXPECT_EQ(compiled.error()[0].message,
              "the key of \"one\" is not the key of the first certificate in the certificate \"one\"");
  }
}

}  // namespace
}  // namespace weir::snapshot
