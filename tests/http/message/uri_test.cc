#include "http/message/uri.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/http/message/uri_properties.h"

namespace weir::http {
namespace {

// The canonical target as text, or "400: detail".
std::string canonical(std::string_view target, bool allow_encoded_slash = false) {
  std::string scratch;
  const auto result = canonicalize(target, {.allow_encoded_slash = allow_encoded_slash}, scratch);
  if (!result) {
    EXPECT_EQ(result.error().reason, Reason::bad_path);
    return "400: " + std::string(result.error().detail);
  }
  return std::string(result->path) + (result->has_query ? "?" + std::string(result->query) : "");
}

struct Row {
  std::string_view target;
  std::string_view expected;
};

constexpr std::string_view kDisguised = "400: dot segment with parameters or an encoded slash";
constexpr std::string_view kClimbs = "400: path climbs above the root";
constexpr std::string_view kNoSlash = "400: request target does not begin with '/'";
constexpr std::string_view kControl = "400: control byte or space in the path";
constexpr std::string_view kEncodedSlash = "400: encoded slash in the path";
constexpr std::string_view kEncodedBackslash = "400: encoded backslash in the path";
constexpr std::string_view kBackslash = "400: backslash in the path";
constexpr std::string_view kEscape = "400: invalid percent-encoding in the path";
constexpr std::string_view kUtf8 = "400: percent-encoded bytes in the path are not UTF-8";
constexpr std::string_view kFragment = "400: fragment in the request target";
constexpr std::string_view kNonAscii = "400: non-ASCII byte in the path";
constexpr std::string_view kQuery = "400: byte not allowed in the query";

// attacks.md C1, row by row.
TEST(Canonicalize, OnePathForEveryDisguise) {
  const Row rows[] = {
      {"/admin%2fx", kEncodedSlash},
      {"/admin%2Fx", kEncodedSlash},
      {"/%61dmin", "/admin"},
      {"/%61%64%6D%69%6e", "/admin"},
      {"//admin", "/admin"},
      {"///admin//x///", "/admin/x/"},
      {"/p/..;/admin", kDisguised},
      {"/p/..;x=1/admin", kDisguised},
      {"/p/.;/admin", kDisguised},
      {"/p/..%3B/admin", kDisguised},
      {"/p/%2e%2E;/admin", kDisguised},
      {"/p/..;", kDisguised},
      {"/p/%2e%2e/admin", "/admin"},
      {"/p/%2E./admin", "/admin"},
      {"/p/.%2e/admin", "/admin"},
      {"/p\\..\\admin", kBackslash},
      {"/p%5c..%5cadmin", kEncodedBackslash},
      {"/admin/.", "/admin/"},
      {"/admin/./", "/admin/"},
      {"/admin/%2e", "/admin/"},
      {"/./admin", "/admin"},
      {"/a/../b", "/b"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../..", "/"},
      {"/..", kClimbs},
      {"/../admin", kClimbs},
      {"/a/../../admin", kClimbs},
      {"/%2e%2e/admin", kClimbs},
      {"/admin;x=1", "/admin;x=1"},
      {"/admin;x=1/y;z", "/admin;x=1/y;z"},
      {"/admin%3bx", "/admin%3Bx"},
      {"/admin%00.json", "400: encoded NUL in the path"},
      {"/%c0%ae/", kUtf8},
      {"/%c0%ae%c0%ae/admin", kUtf8},
      {"/%e0%80%ae/", kUtf8},
      {"/%ed%a0%80", kUtf8},     // a surrogate
      {"/%f4%90%80%80", kUtf8},  // above U+10FFFF
      {"/%e2%82", kUtf8},        // cut off
      {"/%e2%82x", kUtf8},
      {"/%e2%82/%ac", kUtf8},
      {"/%80", kUtf8},
      {"/%ff", kUtf8},
      {"/%252e", "/%252e"},
      {"/%252e%252e/admin", "/%252e%252e/admin"},
      {"/%252f", "/%252f"},
      {"/ADMIN", "/ADMIN"},
      {"/%41DMIN", "/ADMIN"},
      {"/admin?", "/admin?"},
      {"/admin", "/admin"},
      {"admin", kNoSlash},
      {"", kNoSlash},
      {"?x", kNoSlash},
      {"%2fadmin", kNoSlash},
      {"./admin", kNoSlash},
  };
  for (const Row& row : rows) EXPECT_EQ(canonical(row.target), row.expected) << row.target;
}

// attacks.md A11, what of it concerns the target.
TEST(Canonicalize, RefusesWhatTwoParsersReadDifferently) {
  const Row rows[] = {
      {"/x#/../admin", kFragment},
      {"/x?q#f", kFragment},
      {"/x?#", kFragment},
      {"/a b", kControl},
      {"/a\tb", kControl},
      {"/a\x7f", kControl},
      {"/a\r\nHost: x", kControl},
      {std::string_view("/a\0b", 4), kControl},
      {"/caf\xc3\xa9", kNonAscii},
      {"/a?b c", kQuery},
      {"/a?b\tc", kQuery},
      {"/a?\xc3\xa9", kQuery},
      {std::string_view("/a?\0", 4), kQuery},
      {"/%", kEscape},
      {"/%4", kEscape},
      {"/%zz", kEscape},
      {"/%4g", kEscape},
      {"/%u0041", kEscape},
      {"/a%?x", kEscape},
      {"/%%41", kEscape},
  };
  for (const Row& row : rows) EXPECT_EQ(canonical(row.target), row.expected) << row.target;
}

// Where WHATWG URL and RFC 3986 readers part: one form comes out whichever the client used.
TEST(Canonicalize, MeetsBothSchoolsOfUrl) {
  const Row rows[] = {
      {"/a[1]", "/a%5B1%5D"},
      {"/a%5b1%5d", "/a%5B1%5D"},
      {"/{x}|^`\"<>", "/%7Bx%7D%7C%5E%60%22%3C%3E"},
      {"/a%20b", "/a%20b"},
      {"/a+b", "/a+b"},  // a plus is a plus in a path
      {"/a%2bb", "/a%2Bb"},
      {"/~user/%7Euser", "/~user/~user"},
      {"/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~"},
      {"/caf%c3%a9", "/caf%C3%A9"},
      {"/%f0%9f%98%80", "/%F0%9F%98%80"},
      {"/%0a%1b[", "/%0A%1B%5B"},  // kept encoded; harmless in logs
      {"/a//../b", "/b"},          // slashes merge first, so that .. removes "a"
      {"/a/...", "/a/..."},
      {"/.well-known/x", "/.well-known/x"},
      {"/..a/.b/..%61", "/..a/.b/..a"},
      {"/a?b=%zz&c=%2e%2E/../x", "/a?b=%zz&c=%2e%2E/../x"},  // a query is nobody's path
      {"/a?b?c", "/a?b?c"},
      {"/a?/../\\[]", "/a?/../\\[]"},
      {"/http://x/", "/http:/x/"},
      {"/", "/"},
      {"//", "/"},
      {"/.", "/"},
  };
  for (const Row& row : rows) EXPECT_EQ(canonical(row.target), row.expected) << row.target;
}

TEST(Canonicalize, KeepsEncodedSlashesWhenAllowed) {
  const Row rows[] = {
      {"/a%2fb", "/a%2Fb"},
      {"/a%5cb/", "/a%5Cb/"},
      {"/a%2f..%2fb", kDisguised},
      {"/p/..%2fadmin", kDisguised},
      {"/p/%2e%2e%5cadmin", kDisguised},
      {"/a%2f..", kDisguised},
      {"/a%2f.;x", kDisguised},
      {"/a%2f...", "/a%2F..."},
      {"/%2f%2f", "/%2F%2F"},
      {"/a\\b", kBackslash},
      {"/a%00", "400: encoded NUL in the path"},
  };
  for (const Row& row : rows) EXPECT_EQ(canonical(row.target, true), row.expected) << row.target;
}

TEST(Canonicalize, ReadsTheFormsOfRfc9112) {
  std::string scratch;
  auto absolute = canonicalize("HTTP://User.example:81/a/%2e/b?c", {}, scratch);
  ASSERT_TRUE(absolute);
  EXPECT_EQ(absolute->form, TargetForm::absolute);
  EXPECT_EQ(absolute->authority, "User.example:81");
  EXPECT_EQ(absolute->path, "/a/b");
  EXPECT_EQ(absolute->query, "c");
  EXPECT_FALSE(absolute->https);

  absolute = canonicalize("https://h", {}, scratch);
  ASSERT_TRUE(absolute);
  EXPECT_TRUE(absolute->https);
  EXPECT_TRUE(absolute->empty_path);
  EXPECT_EQ(absolute->path, "/");
  EXPECT_EQ(absolute->authority, "h");

  absolute = canonicalize("http://h?q", {}, scratch);
  ASSERT_TRUE(absolute);
  EXPECT_EQ(absolute->path, "/");
  EXPECT_EQ(absolute->query, "q");
  EXPECT_EQ(absolute->authority, "h");

  absolute = canonicalize("http://u@h:x/", {}, scratch);
  ASSERT_TRUE(absolute);
  EXPECT_FALSE(parse_authority(absolute->authority, scratch));

  const auto asterisk = canonicalize("*", {}, scratch);
  ASSERT_TRUE(asterisk);
  EXPECT_EQ(asterisk->form, TargetForm::asterisk);
  EXPECT_EQ(asterisk->path, "*");

  EXPECT_EQ(canonical("http:///x"), "400: absolute-form target without a host");
  EXPECT_EQ(canonical("http://"), "400: absolute-form target without a host");
  EXPECT_EQ(canonical("http://h\\@evil/"), kNoSlash);
  EXPECT_EQ(canonical("http://h#/x"), kNoSlash);
  EXPECT_EQ(canonical("ftp://h/x"), kNoSlash);
  EXPECT_EQ(canonical("http:/x"), kNoSlash);
  EXPECT_EQ(canonical("example.com:443"), kNoSlash);  // authority-form
  EXPECT_EQ(canonical("**"), kNoSlash);
  EXPECT_EQ(canonical("*?x"), kNoSlash);
}

TEST(Canonicalize, DoesNotCopyWhatIsCanonical) {
  for (const std::string_view target : {"/", "/users/42?x=1", "/.well-known/a", "/a%20b/%C3%A9", "/a;b=c/"}) {
    std::string scratch = "untouched";
    const auto result = canonicalize(target, {}, scratch);
    ASSERT_TRUE(result) << target;
    EXPECT_EQ(result->path.data(), target.data());
    EXPECT_EQ(scratch, "untouched");
  }
}

std::string authority(std::string_view text) {
  std::string scratch;
  const auto result = parse_authority(text, scratch);
  if (!result) {
    EXPECT_EQ(result.error().reason, Reason::bad_request);
    return "400";
  }
  return std::string(result->host) + " " + std::to_string(result->port);
}

TEST(ParseAuthority, ReadsHostsAndPorts) {
  const Row rows[] = {
      {"", " 0"},
      {"example.com", "example.com 0"},
      {"EXAMPLE.Com:8080", "example.com 8080"},
      {"example.com.", "example.com 0"},
      {"Example.com.:443", "example.com 443"},
      {"localhost:65535", "localhost 65535"},
      {"my_service.ns:1", "my_service.ns 1"},
      {"127.0.0.1:80", "127.0.0.1 80"},
      {"[::1]", "[::1] 0"},
      {"[2001:DB8:0:0::1]:8443", "[2001:db8::1] 8443"},
      {"[::ffff:10.0.0.1]:80", "10.0.0.1 80"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example 0"},
  };
  for (const Row& row : rows) EXPECT_EQ(authority(row.target), row.expected) << row.target;
}

TEST(ParseAuthority, RefusesEverythingElse) {
  for (const std::string_view text : {"u@h",    "u:p@h",   "a,b",     "a, b",        "a b",
                                      " a",     "a ",      "a\t",     "a/b",         "a?b",
                                      "a#b",    "a\\b",    "a%2eb",   "a:",          "a:0",
                                      "a:080",  "a:65536", "a:99999", "a:123456",    "a:-1",
                                      "a:+1",   "a:8 0",   "a:b",     "a:80:80",     ":80",
                                      ":",      ".",       "..",      ".a",          "a..b",
                                      "a..",    "[",       "[]",      "[::1",        "::1",
                                      "[::1]x", "[::1]:",  "[::1]80", "[1.2.3.4]",   "[fe80::1%eth0]",
                                      "[v1.x]", "[::g]",   "a[::1]",  "caf\xc3\xa9", "*.example.com",
                                      "a;b",    "a=b",     "a'b"}) {
    EXPECT_EQ(authority(text), "400") << text;
  }
  EXPECT_EQ(authority(std::string_view("a\0b", 3)), "400");
  EXPECT_EQ(authority(std::string(63, 'a') + ".b"), std::string(63, 'a') + ".b 0");
  EXPECT_EQ(authority(std::string(64, 'a') + ".b"), "400");
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_EQ(authority(longest + "a"), longest + "a 0");
  EXPECT_EQ(authority(longest + "ab"), "400");
}

TEST(UriProperty, CanonicalFormsAreFixedPoints) {
  std::mt19937 random(20240917);
  const std::string_view pieces[] = {
      "/",   "//",  ".",   "..", "%2e", "%2E",      "%2f",       "%5C", "a",   "Z", "admin", ";",           "%3b",
      "%41", "%7e", "%25", "?",  "&",   "%c3%a9",   "%c0%ae",    "%zz", "%",   "[", "{",     "\\",          "#",
      " ",   "*",   "=",   "@",  ":",   "http://h", "%e2%82%ac", "%00", "%0a", "~", "-",     "%f0%9f%98%80"};
  std::uniform_int_distribution<std::size_t> pick(0, std::size(pieces) - 1);
  std::uniform_int_distribution<int> length(0, 12);
  int accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string target = round % 8 == 0 ? "" : "/";
    for (int i = length(random); i > 0; --i) target += pieces[pick(random)];
    ASSERT_EQ(broken_uri_property(target), "") << target;
    std::string scratch;
    accepted += canonicalize(target, {}, scratch).has_value() ? 1 : 0;
  }
  EXPECT_GT(accepted, 20'000);  // the generator still makes targets that get through
}

TEST(UriProperty, FuzzCorpusReplays) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/fuzz/corpus/uri")) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_EQ(broken_uri_property(text.str()), "") << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace weir::http
