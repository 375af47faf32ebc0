#include "crypto/digest.h"

#include <gtest/gtest.h>

namespace weir::crypto {
namespace {

TEST(Digest, Sha256) {  // FIPS 180-4 examples
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, InParts) { EXPECT_EQ(sha256({"a", "", "bc"}), sha256("abc")); }

TEST(Digest, InHex) {  // FIPS 180-2, appendices A and B
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Digest, HmacSha256) {  // RFC 4231, cases 1, 2 and 6 (a key longer than a block)
  EXPECT_EQ(to_hex(Mac(std::string(20, '\x0b'))("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const Mac jefe("Jefe");
  const std::string wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  EXPECT_EQ(to_hex(jefe("what do ya want for nothing?")), wanted);
  EXPECT_EQ(to_hex(jefe({"what do ya ", "want", "", " for nothing?"})), wanted) << "the same key twice, and in parts";
  EXPECT_EQ(to_hex(Mac(std::string(131, '\xaa'))("Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Digest, Hex) {
  Digest out;
  EXPECT_TRUE(from_hex(to_hex(sha256("a")), out));
  EXPECT_EQ(out, sha256("a"));
  EXPECT_FALSE(from_hex("00", out));
  EXPECT_FALSE(from_hex(std::string(64, 'g'), out));
}

TEST(Digest, Comparison) {
  EXPECT_TRUE(equal_in_constant_time(sha256("a"), sha256("a")));
  EXPECT_FALSE(equal_in_constant_time(sha256("a"), sha256("b")));
  EXPECT_FALSE(equal_in_constant_time(sha256("a"), std::span<const unsigned char>()));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace weir::crypto
