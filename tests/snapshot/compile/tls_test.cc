// Documents whose certificates exist: relative names, warnings, and when pools must be renewed.
#include <gtest/gtest.h>

#include "base/json/json.h"
#include "snapshot/compile/compile.h"
#include "tests/io/authority.h"
#include "tests/snapshot/fake_filters.h"
#include "tests/snapshot/snapshot_summary.h"

namespace weir::snapshot {
namespace {

constexpr std::string_view kDocument = R"({
  "listeners": [{"address": "127.0.0.1:0",
                 "tls": {"certificates": [{"cert_file": "a.crt", "key_file": "a.key"}]}}],
  "upstreams": [
    {"name": "one", "targets": [{"address": "one.internal:443"}], "tls": {"ca_file": "ca.crt"}},
    {"name": "two", "targets": [{"address": "two.internal:443"}], "tls": {"ca_file": "ca.crt"}},
    {"name": "mutual", "targets": [{"address": "x.internal:443"}],
     "tls": {"ca_file": "ca.crt", "cert_file": "a.crt", "key_file": "a.key"}}],
  "routes": [
    {"route_id": "one", "path_pattern": "/1", "upstream_url": "https://one"},
    {"route_id": "two", "path_pattern": "/2", "upstream_url": "https://two"},
    {"route_id": "mutual", "path_pattern": "/3", "upstream_url": "https://mutual"}]})";

std::expected<std::shared_ptr<const Snapshot>, Problems> compile_in(const io::Authority& authority) {
  const auto document = parse_json(kDocument);
  return compile(document.value(), {.filters = fake::table(), .base_dir = authority.folder().string()});
}

TEST(CompileTls, FilesAreFoundBesideTheDocument) {
  io::Authority authority;
  authority.issue("a", {.names = {"a.example"}});
  const auto compiled = compile_in(authority);
  ASSERT_TRUE(compiled) << summary(compiled);
  EXPECT_NE((*compiled)->listeners[0].tls, nullptr);
  EXPECT_TRUE((*compiled)->warnings.empty()) << (*compiled)->warnings[0];
}

TEST(CompileTls, EqualSettingsShareOneContext) {
  io::Authority authority;
  authority.issue("a", {.names = {"a.example"}});
  const auto compiled = compile_in(authority);
  ASSERT_TRUE(compiled) << summary(compiled);
  const auto& upstreams = (*compiled)->upstreams;
  EXPECT_EQ(upstreams[0].tls, upstreams[1].tls);
  EXPECT_NE(upstreams[0].tls, upstreams[2].tls);
  EXPECT_NE(upstreams[0].tls_key, upstreams[2].tls_key);
}

TEST(CompileTls, TheKeyOfPoolsFollowsTheContentOfTheFiles) {
  io::Authority authority;
  authority.issue("a", {.names = {"a.example"}});
  const auto before = compile_in(authority);
  const auto same = compile_in(authority);
  authority.issue("a", {.names = {"a.example"}});  // renewed: other bytes under the same names
  const auto after = compile_in(authority);
  ASSERT_TRUE(before && same && after);
  EXPECT_EQ((*before)->upstreams[2].tls_key, (*same)->upstreams[2].tls_key);
  EXPECT_NE((*before)->upstreams[2].tls_key, (*after)->upstreams[2].tls_key);
  EXPECT_EQ((*before)->upstreams[0].tls_key, (*after)->upstreams[0].tls_key);
}

TEST(CompileTls, AnExpiredCertificateIsAWarning) {
  io::Authority authority;
  authority.issue("a", {.names = {"a.example"}, .valid_from = -7200, .valid_until = -3600});
  const auto compiled = compile_in(authority);
  ASSERT_TRUE(compiled) << summary(compiled);
  ASSERT_FALSE((*compiled)->warnings.empty());
  EXPECT_TRUE((*compiled)->warnings[0].starts_with("listeners[0].tls: ")) << (*compiled)->warnings[0];
  EXPECT_TRUE((*compiled)->warnings[0].contains("expired")) << (*compiled)->warnings[0];
}

}  // namespace
}  // namespace weir::snapshot
