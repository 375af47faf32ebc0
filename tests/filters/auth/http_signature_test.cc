#include "filters/auth/http_signature.h"

#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

bool anybody(const void*, std::string_view) { return true; }
bool only(const void* name, std::string_view key_id) { return *static_cast<const std::string_view*>(name) == key_id; }

auto read(const Scene& scene) { return read_signature(scene.exchange.request.fields, &anybody, nullptr); }

std::string_view mistake(std::string_view input, std::string_view signature = "a=:AAAA:") {
  Scene scene;
  scene.header("Signature-Input", input).header("Signature", signature);
  const auto found = read(scene);
  return found ? std::string_view("none") : found.error();
}

// RFC 9421 B.2.5.
TEST(HttpSignature, TheExampleOfTheRfc) {
  Scene scene("POST", "/foo", "param=Value&Pet=dog");
  scene.exchange.request.host = "example.com";
  scene.exchange.request.target = "/foo?param=Value&Pet=dog";
  scene.header("Date", "Tue, 20 Apr 2021 02:07:55 GMT").header("Content-Type", "application/json");
  scene.header("Signature-Input",
               "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"");
  scene.header("Signature", "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:");
  const auto found = read(scene);
  ASSERT_TRUE(found) << found.error();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->key_id, "test-shared-secret");
  EXPECT_EQ((*found)->created, 1618884473);
  const auto base = signature_base(scene.exchange, **found);
  ASSERT_TRUE(base) << base.error();
  EXPECT_EQ(*base,
            "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": "
            "application/json\n\"@signature-params\": (\"date\" \"@authority\" "
            "\"content-type\");created=1618884473;keyid=\"test-shared-secret\"");
  std::string key;
  ASSERT_TRUE(crypto::from_base64(
      "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==", key));
  const crypto::Digest mac = crypto::Mac(key)(*base);
  EXPECT_EQ(std::string(mac.begin(), mac.end()), (*found)->signature);
}

TEST(HttpSignature, DerivedComponents) {
  Scene scene("GET");
  scene.exchange.request.host = "Example.COM:443";
  scene.exchange.request.target = "/a//b?x=%20";
  scene.exchange.secure = true;
  HttpSignature signature;
  signature.input = "()";
  for (const std::string_view one :
       {"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"})
    signature.components[signature.count++] = one;
  EXPECT_EQ(*signature_base(scene.exchange, signature),
            "\"@method\": GET\n\"@target-uri\": https://example.com/a//b?x=%20\n\"@authority\": example.com\n"
            "\"@scheme\": https\n\"@request-target\": /a//b?x=%20\n\"@path\": /a//b\n\"@query\": ?x=%20\n"
            "\"@signature-params\": ()");
  scene.exchange.request.target = "https://example.com?q";
  signature.count = 0;
  for (const std::string_view one : {"@path", "@query"}) signature.components[signature.count++] = one;
  EXPECT_EQ(*signature_base(scene.exchange, signature), "\"@path\": /\n\"@query\": ?q\n\"@signature-params\": ()");
  scene.exchange.request.target = "/plain";
  EXPECT_EQ(*signature_base(scene.exchange, signature),
            "\"@path\": /plain\n\"@query\": ?\n\"@signature-params\": ()");
}

TEST(HttpSignature, WhatTheRequestDoesNotHave) {
  Scene scene;
  HttpSignature signature;
  signature.count = 1;
  for (const std::string_view one : {"@status", "@query-param", "x-missing"}) {
    signature.components[0] = one;
    EXPECT_FALSE(signature_base(scene.exchange, signature)) << one;
  }
}

TEST(HttpSignature, NoneAndHalf) {
  Scene none;
  ASSERT_TRUE(read(none));
  EXPECT_FALSE(read(none)->has_value());
  Scene half;
  half.header("Signature", "a=:AAAA:");
  EXPECT_FALSE(read(half));
}

TEST(HttpSignature, OfSeveralTheWantedOne) {
  Scene scene;
  scene.header("Signature-Input", "a=(\"@method\");keyid=\"one\", b=();created=7;keyid=\"two\"");
  scene.header("Signature-Input", "c=(\"@path\");keyid=\"three\"");
  scene.header("Signature", "a=:AAAA:, c=:AAEC:").header("signature", "b=:AAE=:");
  for (const auto& [name, label, bytes] : {std::tuple<std::string_view, std::string_view, std::size_t>{"two", "b", 2},
                                           {"three", "c", 3},
                                           {"one", "a", 3}}) {
    const auto found = read_signature(scene.exchange.request.fields, &only, &name);
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ((*found)->label, label);
    EXPECT_EQ((*found)->signature.size(), bytes);
  }
  const std::string_view nobody = "nobody";
  EXPECT_FALSE(read_signature(scene.exchange.request.fields, &only, &nobody));
}

TEST(HttpSignature, Malformed) {
  EXPECT_EQ(mistake("a=(\"@method\");created=1;keyid=\"k\""), "none");
  EXPECT_EQ(mistake("a=( \"@method\"   \"x\" );keyid=\"k\" , b=()", "b=:AAAA: ,a=:AAAA:"), "none");
  for (const std::string_view bad : {"a",
                                     "a=",
                                     "a=x",
                                     "a=(",
                                     "a=(\"x\"",
                                     "a=(\"x\"\"y\")",
                                     "a=(\"x\";bs)",
                                     "a=(\"x\" \"x\")",
                                     "a=(\"\")",
                                     "a=(x)",
                                     "a=();created=",
                                     "a=();created=1.5",
                                     "a=();created=99999999999999999",
                                     "a=();created=1;created=1",
                                     "a=();keyid=k",
                                     "a=();keyid=\"k",
                                     "a=();keyid=\"a\\\\b\"",
                                     "a=();keyid=\"k\";keyid=\"k\"",
                                     "a=() b=()",
                                     "a=(), a=()",
                                     "A=()",
                                     "1=()",
                                     "=()"}) {
    EXPECT_NE(mistake(bad), "none") << bad;
  }
  for (const std::string_view bad :
       {"", "a", "a=AAAA", "a=:AAAA", "a=:A:", "b=:AAAA:", "a=:AAAA:,a=:AAAA:", "a=:AAAA:;x"})
    EXPECT_NE(mistake("a=();keyid=\"k\"", bad), "none") << bad;
}

}  // namespace
}  // namespace weir::filters
