#include "snapshot/compile/compile.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "adapters/yaml/load.h"
#include "snapshot/document.h"
#include "snapshot/schema/document_schema.h"
#include "tests/snapshot/fake_filters.h"
#include "tests/snapshot/snapshot_summary.h"

namespace weir::snapshot {
namespace {

using namespace std::chrono_literals;
using Compiled = std::expected<std::shared_ptr<const Snapshot>, Problems>;

const std::filesystem::path kCases = std::filesystem::path(WEIR_SOURCE_DIR) / "tests/snapshot/compile";
constexpr std::string_view kDashes = "\n----\n";

Compiled compile_text(std::string_view text) {
  const auto document = yaml::load(text);
  if (!document) return std::unexpected(Problems{document.error()});
  return compile(*document, {.filters = fake::table(), .base_dir = kCases.string()});
}

// Most cases are about routes: they may leave out the listener, and the line numbers stay those of the file.
std::string with_listener(std::string text) {
  if (!text.contains("listeners:")) text += "\nlisteners: [{address: \"127.0.0.1:0\"}]\n";
  return text;
}

// File names without the folder of this checkout.
std::string portable(std::string text) {
  const std::string folder = kCases.string() + "/";
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
    text.erase(at, folder.size());
  }
  return text;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class Golden : public testing::TestWithParam<std::filesystem::path> {};

// With WEIR_UPDATE_GOLDEN=1 in the environment the files are rewritten: read the diff before you commit it.
TEST_P(Golden, DocumentAndOutcome) {
  const std::string text = read(GetParam());
  const std::size_t dashes = text.find(kDashes);
  ASSERT_NE(dashes, std::string::npos) << "no line of dashes";
  const std::string document = text.substr(0, dashes);
  const std::string found = portable(summary(compile_text(with_listener(document))));
  if (std::getenv("WEIR_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(GetParam(), std::ios::binary) << document << kDashes << found;
  }
  EXPECT_EQ(found, text.substr(dashes + kDashes.size()));
}

std::vector<std::filesystem::path> cases() {
  std::set<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    if (entry.path().extension() == ".txt") out.insert(entry.path());
  }
  return {out.begin(), out.end()};
}

INSTANTIATE_TEST_SUITE_P(Compile, Golden, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<std::filesystem::path>& info) {
                           std::string name = info.param.stem().string();
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

constexpr std::string_view kRoutes = R"(
listeners: [{address: "127.0.0.1:0"}]
routes: [{route_id: a, path_pattern: /, upstream_url: "http://127.0.0.1:1"}]
)";

TEST(Compile, TheDefaultsOfTheSchemaAreValid) {
  const Problems problems = default_problems(document_schema(fake::table()));
  for (const Problem& problem : problems) ADD_FAILURE() << describe(problem, "schema");
}

TEST(Compile, DefaultsReachTheSnapshot) {
  const Compiled compiled = compile_text(kRoutes);
  ASSERT_TRUE(compiled) << summary(compiled);
  const Snapshot& out = **compiled;
  EXPECT_EQ(out.limits.head.bytes, 32 * 1024U);
  EXPECT_EQ(out.limits.head.target_bytes, 8 * 1024U);
  EXPECT_EQ(out.limits.head.fields, 100U);
  EXPECT_EQ(out.limits.body_bytes, std::uint64_t{4} << 30);
  EXPECT_EQ(out.limits.head_timeout, 10s);
  EXPECT_EQ(out.limits.idle_timeout, 75s);
  EXPECT_EQ(out.limits.min_body_rate, 1024U);
  EXPECT_EQ(out.limits.body_grace, 10s);
  EXPECT_EQ(out.limits.write_stall, 30s);
  EXPECT_EQ(out.limits.tls_handshake_timeout, 10s);
  EXPECT_EQ(out.limits.requests_per_connection, 0U);
  EXPECT_EQ(out.limits.connections, 10'000U);
  EXPECT_EQ(out.drain_timeout, 25s);
  EXPECT_EQ(out.workers, 0);
  EXPECT_EQ(out.access_log_path, "-");
  EXPECT_FALSE(out.admin);
  EXPECT_FALSE(out.encoded_slash);
  EXPECT_EQ(out.upstreams[0].connect_timeout, 5s);
  EXPECT_EQ(out.upstreams[0].first_byte_timeout, 60s);
  EXPECT_EQ(out.upstreams[0].idle_timeout, 5min);
  EXPECT_EQ(out.upstreams[0].keep_alive, 4s);
  EXPECT_EQ(out.upstreams[0].max_idle, 128U);
}

TEST(Compile, SettingsReachTheSnapshot) {
  const Compiled compiled = compile_text(std::string(kRoutes) + R"(
access_log: {path: logs/a.ndjson}
trusted_proxies: [10.0.0.0/8]
workers: 3
drain_timeout: 1m
resolver: {servers: [10.0.0.2, "10.0.0.3:5353"]}
limits: {max_head_bytes: 16KiB, max_target_bytes: 4KiB, max_header_fields: 50, max_body_bytes: 10, head_timeout: 1s,
  idle_timeout: 2s, min_body_rate: 7, body_grace: 3s, write_timeout: 4s, tls_handshake_timeout: 5s,
  max_requests_per_connection: 9, max_connections: 11}
)");
  ASSERT_TRUE(compiled) << summary(compiled);
  const Snapshot& out = **compiled;
  EXPECT_EQ(out.access_log_path, (kCases / "logs/a.ndjson").string());
  EXPECT_TRUE(out.trusted_proxies.contains(IpAddress::v4(10, 1, 2, 3)));
  EXPECT_FALSE(out.trusted_proxies.contains(IpAddress::v4(11, 1, 2, 3)));
  EXPECT_EQ(out.workers, 3);
  EXPECT_EQ(out.drain_timeout, 1min);
  EXPECT_EQ(out.resolver_servers, (std::vector<std::string>{"10.0.0.2", "10.0.0.3:5353"}));
  EXPECT_EQ(out.limits.head.bytes, 16 * 1024U);
  EXPECT_EQ(out.limits.head.target_bytes, 4 * 1024U);
  EXPECT_EQ(out.limits.head.fields, 50U);
  EXPECT_EQ(out.limits.body_bytes, 10U);
  EXPECT_EQ(out.limits.head_timeout, 1s);
  EXPECT_EQ(out.limits.idle_timeout, 2s);
  EXPECT_EQ(out.limits.min_body_rate, 7U);
  EXPECT_EQ(out.limits.body_grace, 3s);
  EXPECT_EQ(out.limits.write_stall, 4s);
  EXPECT_EQ(out.limits.tls_handshake_timeout, 5s);
  EXPECT_EQ(out.limits.requests_per_connection, 9U);
  EXPECT_EQ(out.limits.connections, 11U);
}

TEST(Compile, NoAccessLogWhenSwitchedOff) {
  const Compiled compiled = compile_text(std::string(kRoutes) + "access_log: {enabled: false}");
  ASSERT_TRUE(compiled) << summary(compiled);
  EXPECT_EQ((*compiled)->access_log_path, "");
}

TEST(Compile, EqualFiltersAreOneInstance) {
  const Compiled compiled = compile_text(R"(
listeners: [{address: "127.0.0.1:0"}]
routes:
  - {route_id: a, path_pattern: /a, upstream_url: "http://127.0.0.1:1", plugin_chain: [{name: cors, config: {allow_origins: [x.y]}}]}
  - {route_id: b, path_pattern: /b, upstream_url: "http://127.0.0.1:1", plugin_chain: [{config: {allow_origins: [x.y]}, name: cors}]}
  - {route_id: c, path_pattern: /c, upstream_url: "http://127.0.0.1:1", plugin_chain: [{name: cors, config: {allow_origins: [z.z]}}]}
)");
  ASSERT_TRUE(compiled) << summary(compiled);
  const Snapshot& out = **compiled;
  EXPECT_EQ(out.filters.size(), 5U);  // request_id, access_log, proxy and two cors
  EXPECT_EQ(out.routes[0].chain.on_request.data(), out.routes[1].chain.on_request.data());
  EXPECT_FALSE(std::ranges::equal(out.routes[0].chain.on_request, out.routes[2].chain.on_request));
  EXPECT_EQ(out.upstreams.size(), 1U);
}

TEST(Compile, ChainsAreSplitByHookAndResponsesRunBackwards) {
  const Compiled compiled = compile_text(R"(
listeners: [{address: "127.0.0.1:0"}]
plugin_chain: [headers, ip_filter]
routes: [{route_id: a, path_pattern: /a, upstream_url: "http://127.0.0.1:1", plugin_chain: [cors]}]
)");
  ASSERT_TRUE(compiled) << summary(compiled);
  const pipeline::Chain& chain = (*compiled)->routes[0].chain;
  ASSERT_EQ(chain.on_request.size(), 4U);  // request_id, ip_filter, cors, headers
  ASSERT_EQ(chain.on_response.size(), 3U);
  EXPECT_EQ(chain.on_response[0], chain.on_request[3]);
  EXPECT_EQ(chain.on_response[1], chain.on_request[2]);
  EXPECT_EQ(chain.on_response[2], chain.on_request[0]);
  EXPECT_EQ(chain.on_finish.size(), 1U);
  EXPECT_NE(chain.execution, nullptr);
  EXPECT_EQ((*compiled)->global_chain.execution, nullptr);
}

TEST(Compile, CanaryShares) {
  const auto below = [](std::string_view weight) {
    const Compiled compiled = compile_text(fmt::format(
        "{{listeners: [{{address: '127.0.0.1:0'}}], routes: [{{route_id: a, path_pattern: /, upstream_url: "
        "'http://127.0.0.1:1', canary_upstream_url: 'http://127.0.0.1:2', canary_weight: {}}}]}}",
        weight));
    return compiled ? (*compiled)->routes[0].canary_below : 1;
  };
  EXPECT_EQ(below("0"), 0U);
  EXPECT_EQ(below("25"), std::uint64_t{1} << 62);
  EXPECT_EQ(below("50"), std::uint64_t{1} << 63);
  EXPECT_EQ(below("100"), ~std::uint64_t{0});
}

TEST(Compile, TheDigestIsThatOfTheMeaning) {
  const auto digest_of = [](std::string_view text) { return digest(*yaml::load(text)); };
  EXPECT_EQ(digest_of("{a: 1, b: [x]}"), digest_of("# comment\nb:\n  - x\na: 1\n"));
  EXPECT_NE(digest_of("{a: 1, b: [x]}"), digest_of("{a: 1, b: [y]}"));
  EXPECT_EQ(digest_of("{a: 1}"), "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
}

TEST(Compile, APlaceIsFoundByItsPath) {
  const auto json = yaml::load("a:\n  - b\n  - {x-y: 1, c: 2}\n");
  EXPECT_EQ(position_at(*json, "a[1].c").line, 3);
  EXPECT_EQ(position_at(*json, "a[1].c").column, 17);
  EXPECT_EQ(position_at(*json, "a[1][\"x-y\"]").column, 11);
  EXPECT_EQ(position_at(*json, "a[7].c").line, 2);  // as far as it goes
}

}  // namespace
}  // namespace weir::snapshot
