#include "base/ip.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <random>

namespace weir {
namespace {

std::string round_trip(std::string_view text) {
  const auto ip = IpAddress::parse(text);
  return ip ? ip->to_string() : "refused";
}

std::string cidr(std::string_view text) {
  std::string why;
  const auto block = Cidr::parse(text, &why);
  return block ? block->to_string() : "refused: " + why;
}

std::string socket(std::string_view text) {
  std::string why;
  const auto address = SocketAddress::parse(text, &why);
  return address ? address->to_string() : "refused: " + why;
}

TEST(IpAddress, ReadsAndWrites) {
  EXPECT_EQ(round_trip("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(round_trip("255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(round_trip("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(round_trip("::"), "::");
}

TEST(IpAddress, RefusesEveryLooseForm) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x7f.0.0.1", "2130706433", "256.0.0.1", "1.2.3.4 ",
                           " 1.2.3.4", "[::1]", "fe80::1%eth0", ":::", "1::2::3", "localhost", "1.2.3.-4"}) {
    EXPECT_EQ(round_trip(text), "refused") << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::parse(std::string(1000, '1')));
}

TEST(IpAddress, MappedIsV4) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1"), IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(round_trip("::ffff:a00:1"), "10.0.0.1");
  EXPECT_TRUE(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("::2")->is_loopback());
}

TEST(IpAddress, PrivateIsWhateverIsNotOfThePublicInternet) {
  for (const char* text :
       {"0.0.0.0",        "10.255.255.255",  "100.64.0.1",  "127.0.0.1",  "169.254.169.254", "172.16.0.1",
        "172.31.255.255", "192.0.0.8",       "192.168.1.1", "198.18.0.1", "198.19.255.255",  "224.0.0.1",
        "240.0.0.1",      "255.255.255.255", "::",          "::1",        "::7f00:1",        "::ffff:10.0.0.1",
        "fc00::1",        "fd12::1",         "fe80::1",     "ff02::1",    "2001:db8::1",     "2001::1",
        "64:ff9b::a00:1", "2002:7f00:1::",   "3fff::1"})
    EXPECT_TRUE(is_private(*IpAddress::parse(text))) << text;
  for (const char* text :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
        "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111",
        "2a00:1450::1", "64:ff9b::101:101", "2002:101:101::", "2001:4860::8888"})
    EXPECT_FALSE(is_private(*IpAddress::parse(text))) << text;
}

TEST(Cidr, ReadsAndWrites) {
  EXPECT_EQ(cidr("10.0.0.0/8"), "10.0.0.0/8");
  EXPECT_EQ(cidr("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(cidr("10.1.2.3"), "10.1.2.3/32");
  EXPECT_EQ(cidr("2001:db8::/32"), "2001:db8::/32");
  EXPECT_EQ(cidr("::1"), "::1/128");
  EXPECT_EQ(cidr("::ffff:10.0.0.0/104"), "10.0.0.0/8");
}

TEST(Cidr, SaysWhatIsWrong) {
  EXPECT_EQ(cidr("10.0.0.1/8"), "refused: has bits set behind the prefix; the block is 10.0.0.0/8");
  for (const char* text :
       {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8 ", "10.0.0.0/8/8"}) {
    EXPECT_EQ(cidr(text), "refused: expected a prefix length from 0 to 32 after the slash") << text;
  }
  EXPECT_EQ(cidr("::/129"), "refused: expected a prefix length from 0 to 128 after the slash");
  EXPECT_EQ(cidr("home"), "refused: expected an address or a block such as 10.0.0.0/8 or 2001:db8::/32");
}

TEST(Cidr, TheWholeOfIpv6HoldsNoIpv4) {
  EXPECT_FALSE(Cidr::parse("::/0")->contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_TRUE(Cidr::parse("::/0")->contains(*IpAddress::parse("ffff::1")));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("::1")));
  EXPECT_FALSE(CidrSet({*Cidr::parse("::/0")}).contains(*IpAddress::parse("10.0.0.1")));
}

TEST(CidrSet, AgreesWithALinearScan) {
  std::mt19937 random(7);
  const auto any_bits = [&] { return static_cast<std::uint8_t>(random() % 4); };
  for (int round = 0; round < 300; ++round) {
    std::vector<Cidr> blocks;
    for (unsigned n = random() % 8; n > 0; --n) {
      const bool v4 = random() % 2 == 0;
      const unsigned prefix = v4 ? 24 + random() % 9 : 112 + random() % 17;
      const unsigned keep = (v4 ? 32 : 128) - prefix;
      const auto host = static_cast<unsigned>(random() % 1024) >> keep << keep;
      const std::string address = v4 ? "10.0." + std::to_string(host >> 8) + "." + std::to_string(host & 255)
                                     : "fd00::" + std::to_string(any_bits()) + ":0";
      if (const auto block = Cidr::parse(address + "/" + std::to_string(prefix))) blocks.push_back(*block);
    }
    const CidrSet set(blocks);
    EXPECT_EQ(set.empty(), blocks.empty());
    for (int probe = 0; probe < 200; ++probe) {
      const IpAddress ip =
          random() % 2 == 0
              ? IpAddress::v4(10, 0, any_bits(), static_cast<std::uint8_t>(random()))
              : *IpAddress::parse("fd00::" + std::to_string(any_bits()) + ":" + std::to_string(random() % 3));
      const bool expected = std::ranges::any_of(blocks, [&](const Cidr& block) { return block.contains(ip); });
      ASSERT_EQ(set.contains(ip), expected) << ip.to_string();
    }
  }
}

TEST(SocketAddress, ReadsAndWrites) {
  EXPECT_EQ(socket("127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(socket("[::1]:80"), "[::1]:80");
  EXPECT_EQ(socket("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(socket("unix:/run/weir.sock"), "unix:/run/weir.sock");
}

TEST(SocketAddress, SaysWhatIsWrong) {
  EXPECT_EQ(socket("8080"), "refused: expected ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080");
  EXPECT_EQ(socket("[::1]"), "refused: expected ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080");
  EXPECT_EQ(socket("::1:80"), "refused: an IPv6 address before a port needs brackets, such as [::1]:8080");
  for (const char* text : {"localhost:80", ":80", "[127.0.0.1]:80", "[]:80"}) {
    EXPECT_EQ(socket(text), "refused: expected an IP address before the port, such as 127.0.0.1:8080 or [::1]:8080")
        << text;
  }
  for (const char* text :
       {"127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:080", "127.0.0.1:-1", "127.0.0.1:80a", "127.0.0.1:+80"}) {
    EXPECT_EQ(socket(text), "refused: expected a port from 0 to 65535 after the last colon") << text;
  }
  EXPECT_EQ(socket("unix:weir.sock"), "refused: expected an absolute path after unix:");
  EXPECT_FALSE(SocketAddress::parse("unix:/" + std::string(107, 'x')));
  EXPECT_TRUE(SocketAddress::parse("unix:/" + std::string(106, 'x')));
}

TEST(SocketAddress, SurvivesTheKernelsForm) {
  for (const char* text : {"127.0.0.1:8080", "[2001:db8::1]:443", "unix:/run/weir.sock"}) {
    const SocketAddress address = *SocketAddress::parse(text);
    sockaddr_storage storage;
    const socklen_t length = address.to_sockaddr(storage);
    EXPECT_EQ(storage.ss_family, address.family());
    EXPECT_EQ(SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), length), address);
  }
  sockaddr_storage unnamed{};
  unnamed.ss_family = AF_UNIX;
  const auto peer = SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&unnamed), sizeof(sa_family_t));
  ASSERT_TRUE(peer);
  EXPECT_TRUE(peer->is_unix());
  EXPECT_EQ(peer->path(), "");
  unnamed.ss_family = AF_INET;
  EXPECT_FALSE(SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&unnamed), 4));
}

}  // namespace
}  // namespace weir
