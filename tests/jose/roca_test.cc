#include "jose/roca.h"

#include "jose/key_set.h"
#include "tests/jose/signer.h"

namespace weir::jose {
namespace {

struct BnFree {
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
  void operator()(BN_CTX* context) const noexcept { BN_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, BnFree>;

// A modulus as the faulty library made them: (k·M + 65537^a mod M) · (l·M + 65537^b mod M), M the product of the
// first primes (here those up to 167, as for its keys of 512 to 960 bits; longer ones have all of them, too). That
// the factors are no primes does not show.
std::string faulty_modulus(unsigned long a, unsigned long b) {
  const std::unique_ptr<BN_CTX, BnFree> context(BN_CTX_new());
  const Number product(BN_new()), generator(BN_new()), n(BN_new());
  BN_set_word(product.get(), 2);
  for (unsigned long candidate = 3; candidate <= 167; candidate += 2) {
    bool prime = true;
    for (unsigned long by = 3; by * by <= candidate; by += 2) prime = prime && candidate % by != 0;
    if (prime) BN_mul_word(product.get(), candidate);
  }
  BN_set_word(generator.get(), 65537);
  BN_one(n.get());
  for (const unsigned long exponent : {a, b}) {
    const Number factor(BN_new()), power(BN_new()), e(BN_new());
    BN_set_word(e.get(), exponent);
    BN_mod_exp(power.get(), generator.get(), e.get(), product.get(), context.get());
    BN_rand(factor.get(), 1025 - BN_num_bits(product.get()), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY);
    BN_mul(factor.get(), factor.get(), product.get(), context.get());
    BN_add(factor.get(), factor.get(), power.get());
    BN_mul(n.get(), n.get(), factor.get(), context.get());
  }
  std::string out(static_cast<std::size_t>(BN_num_bytes(n.get())), '\0');
  BN_bn2bin(n.get(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

std::string set_with(std::string_view modulus) {
  return R"({"keys":[{"kty":"RSA","kid":"a","e":"AQAB","n":")" + encode_base64url(modulus) + "\"}]}";
}

TEST(Roca, AFaultyModulusIsKnownByItsFingerprint) {
  for (unsigned long a = 1; a < 200; a += 13) EXPECT_TRUE(has_roca_fingerprint(faulty_modulus(a, 7 * a + 3))) << a;
}

TEST(Roca, ASoundOneIsNot) {
  for (int i = 0; i < 3; ++i) {
    const auto set = KeySet::parse(R"({"keys":[)" + Signer("RSA").jwk(R"("kid":"a")") + "]}", {});
    ASSERT_TRUE(set);
    EXPECT_EQ((*set)->size(), 1u);
  }
  std::string almost = faulty_modulus(5, 9);
  almost.back() = static_cast<char>(almost.back() ^ 2);
  EXPECT_FALSE(has_roca_fingerprint(almost));
}

TEST(Roca, AKeySetLeavesItOutAndSaysWhy) {
  const auto set = KeySet::parse(set_with(faulty_modulus(11, 4)), {});
  ASSERT_TRUE(set);
  EXPECT_EQ((*set)->size(), 0u);
  ASSERT_EQ((*set)->skipped().size(), 1u);
  EXPECT_NE((*set)->skipped()[0].reason.find("CVE-2017-15361"), std::string::npos) << (*set)->skipped()[0].reason;
}

}  // namespace
}  // namespace weir::jose
