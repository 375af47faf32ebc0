// The PROXY protocol: whom we believe, and every doubtful header refused (attacks.md C5).
#include "http/proxy_protocol.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/http/proxy_protocol_properties.h"

namespace weir::http {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kAddresses4 = "\x0a\x01\x02\x03\xc0\xa8\x00\x01\xdb\xb8\x01\xbb"s;

std::string version_2(int command, int family, const std::string& body, int length = -1) {
  const auto size = length < 0 ? body.size() : static_cast<std::size_t>(length);
  std::string out = kSignature;
  for (const auto byte :
       {static_cast<std::size_t>(command), static_cast<std::size_t>(family), size >> 8, size & 0xff}) {
    out.push_back(static_cast<char>(byte));
  }
  return out + body;
}

// A header as the text, whole; nothing after it is looked at, and every shorter piece asks for more.
ProxyHeader read(const std::string& text) {
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    const auto part = parse_proxy_header({exact.data(), exact.size()});
    EXPECT_TRUE(part && !*part) << size << " of " << text;
  }
  const auto whole = parse_proxy_header(text);
  const auto more = parse_proxy_header(text + "GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(whole && *whole) << text;
  EXPECT_TRUE(more && *more) << text;
  if (!whole || !*whole || !more || !*more) return {};
  EXPECT_EQ((*whole)->consumed, text.size());
  EXPECT_EQ((*more)->consumed, text.size());
  return **whole;
}

void expect_refused(const std::string& text) {
  const auto header = parse_proxy_header(text);
  ASSERT_FALSE(header) << text;
  EXPECT_EQ(header.error().reason, Reason::proxy_protocol_error);
  EXPECT_FALSE(header.error().detail.empty());
}

TEST(ProxyProtocol, Version1) {
  const ProxyHeader v4 = read("PROXY TCP4 10.1.2.3 192.168.0.1 56248 443\r\n");
  EXPECT_FALSE(v4.local);
  EXPECT_EQ(v4.source.to_string(), "10.1.2.3");
  EXPECT_EQ(v4.destination.to_string(), "192.168.0.1");
  EXPECT_EQ(v4.source_port, 56248);
  EXPECT_EQ(v4.destination_port, 443);

  const ProxyHeader v6 = read("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n");
  EXPECT_FALSE(v6.local);
  EXPECT_EQ(v6.source.to_string(), "2001:db8::1");
  EXPECT_EQ(v6.destination.to_string(), "::1");
  EXPECT_EQ(v6.source_port, 65535);
  EXPECT_EQ(v6.destination_port, 0);

  EXPECT_EQ(read("PROXY TCP6 ::ffff:10.1.2.3 ::1 1 2\r\n").source, IpAddress::v4(10, 1, 2, 3));
  EXPECT_TRUE(read("PROXY UNKNOWN\r\n").local);
  EXPECT_TRUE(read("PROXY UNKNOWN ffff:f...f:ffff what ever\r\n").local);
  EXPECT_TRUE(read("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n").local);  // 107 bytes
}

TEST(ProxyProtocol, Version1Refused) {
  for (const std::string& text : {
           "GET / HTTP/1.1\r\n"s,
           "PROXX "s,
           "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"s,
           " PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 123456\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n"s,
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 +2\r\n"s,
           "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"s,
           "PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n"s,
           "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n"s,
           "PROXY TCP4 1.2.3.4 example.com 1 2\r\n"s,
           "PROXY TCP4 ::1 ::1 1 2\r\n"s,
           "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY TCP6 [::1] ::1 1 2\r\n"s,
           "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"s,
           "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY TCP 1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY UNKNOWNS\r\n"s,
           "PROXY \r\n"s,
           "PROXY \n"s,
           "PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n"s,
           "PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n"s,
           "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",
           "PROXY UNKNOWN " + std::string(93, 'x'),
       }) {
    expect_refused(text);
  }
}

TEST(ProxyProtocol, Version2) {
  const ProxyHeader v4 = read(version_2(0x21, 0x11, kAddresses4));
  EXPECT_FALSE(v4.local);
  EXPECT_EQ(v4.source, IpAddress::v4(10, 1, 2, 3));
  EXPECT_EQ(v4.destination, IpAddress::v4(192, 168, 0, 1));
  EXPECT_EQ(v4.source_port, 56248);
  EXPECT_EQ(v4.destination_port, 443);

  const std::string one = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01";
  const std::string two = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x02";
  const ProxyHeader v6 = read(version_2(0x21, 0x21, one + two + "\x00\x01\xff\xff"s));
  EXPECT_EQ(v6.source.to_string(), "2001:db8::1");
  EXPECT_EQ(v6.destination.to_string(), "2001:db8::2");
  EXPECT_EQ(v6.source_port, 1);
  EXPECT_EQ(v6.destination_port, 65535);

  const std::string tlvs = "\x01\x00\x02h2\x04\x00\x00\xea\x00\x05hello"s;
  EXPECT_EQ(read(version_2(0x21, 0x11, kAddresses4 + tlvs)).source, v4.source);
}

TEST(ProxyProtocol, Version2KeepsThePeer) {
  EXPECT_TRUE(read(version_2(0x20, 0x00, "")).local);
  EXPECT_TRUE(read(version_2(0x20, 0x11, kAddresses4)).local);
  EXPECT_TRUE(read(version_2(0x20, 0x00, "anything")).local);
  EXPECT_TRUE(read(version_2(0x21, 0x00, "")).local);
  EXPECT_TRUE(read(version_2(0x21, 0x00, "anything")).local);
  EXPECT_TRUE(read(version_2(0x21, 0x31, std::string(216, 'u'))).local);
}

TEST(ProxyProtocol, Version2Refused) {
  for (const std::string& text : {
           version_2(0x11, 0x11, kAddresses4),  // version 1 in binary
           version_2(0x31, 0x11, kAddresses4),
           version_2(0x22, 0x11, kAddresses4),
           version_2(0x2f, 0x11, kAddresses4),
           version_2(0x21, 0x12, kAddresses4),  // datagram
           version_2(0x21, 0x10, kAddresses4),
           version_2(0x21, 0x13, kAddresses4),
           version_2(0x21, 0x41, kAddresses4),
           version_2(0x20, 0x41, ""),
           version_2(0x21, 0x11, kAddresses4.substr(1)),
           version_2(0x21, 0x11, ""),
           version_2(0x21, 0x21, kAddresses4),
           version_2(0x21, 0x31, kAddresses4),
           version_2(0x21, 0x11, kAddresses4 + "\x01"s),
           version_2(0x21, 0x11, kAddresses4 + "\x01\x00"s),
           version_2(0x21, 0x11, kAddresses4 + "\x01\x00\x01"s),    // overlong TLV
           version_2(0x21, 0x11, kAddresses4 + "\x01\xff\xffxx"s),  // overlong TLV
           version_2(0x21, 0x11, kAddresses4 + "\x01\x00\x01xx"s),  // rest that is no TLV
           version_2(0x21, 0x11, kAddresses4, 2033),                // over kProxyHeaderBytes, seen at once
           version_2(0x20, 0x00, "", 65535),
           "\r\n\r\n\0\r\nQUIT\r"s,
           "\r\n\r\nGET / HTTP/1.1"s,
           "\r\r"s,
       }) {
    expect_refused(text);
  }
  EXPECT_EQ(read(version_2(0x20, 0x00, std::string(2032, 'x'))).consumed, kProxyHeaderBytes);
}

TEST(ProxyProtocol, CorpusReplays) {
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/fuzz/corpus/proxy_protocol")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(broken_proxy_property(input), "") << entry.path();
    ++inputs;
  }
  EXPECT_GT(inputs, 5);
}

}  // namespace
}  // namespace weir::http
