// Replies from bytes: RESP2 and RESP3, in pieces, and what is refused.
#include "adapters/redis/wire/parser.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::adapters::redis {
namespace {

// As JSON, roughly: enough to compare a tree.
std::string show(const Value& value) {
  switch (value.type()) {
    case Type::null:
      return "null";
    case Type::integer:
      return std::to_string(value.integer());
    case Type::boolean:
      return value.integer() ? "true" : "false";
    case Type::real:
      return "~" + std::string(value.text());
    case Type::text:
      return "'" + std::string(value.text()) + "'";
    case Type::error:
      return "!" + std::string(value.text());
    case Type::array:
    case Type::push: {
      std::string out = value.type() == Type::push ? ">[" : "[";
      for (const Value each : value) out += (out.back() == '[' ? "" : " ") + show(each);
      return out + "]";
    }
  }
  return "?";
}

// Fed whole and in pieces of every size: all must give the same.
std::string parse(std::string_view bytes, ParserLimits limits = {}) {
  std::string first;
  for (std::size_t size = bytes.size(); size >= 1; --size) {
    Parser parser(limits);
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      std::string_view piece = bytes.substr(at, size);
      while (!piece.empty()) {
        const Parser::Status status = parser.feed(piece);
        if (status == Parser::Status::malformed) {
          out += "<" + std::string(parser.problem()) + ">";
          break;
        }
        if (status == Parser::Status::needs_more) break;
        EXPECT_FALSE(parser.idle());
        const Reply reply = parser.take();
        out += show(reply.value()) + ";";
      }
      if (out.ends_with('>')) break;
    }
    if (!out.ends_with('>') && !parser.idle()) out += "...";
    if (size == bytes.size()) first = out;
    EXPECT_EQ(out, first) << "in pieces of " << size;
  }
  return first;
}

TEST(Parser, ReadsWhatRedis2Sends) {
  EXPECT_EQ(parse("+OK\r\n"), "'OK';");
  EXPECT_EQ(parse("-ERR no such thing\r\n"), "!ERR no such thing;");
  EXPECT_EQ(parse(":-42\r\n"), "-42;");
  EXPECT_EQ(parse("$5\r\na\r\nbc\r\n"), "'a\r\nbc';");
  EXPECT_EQ(parse("$0\r\n\r\n"), "'';");
  EXPECT_EQ(parse("$-1\r\n*-1\r\n"), "null;null;");
  EXPECT_EQ(parse("*0\r\n"), "[];");
  EXPECT_EQ(parse("*3\r\n:1\r\n*2\r\n+a\r\n$1\r\nb\r\n:2\r\n"), "[1 ['a' 'b'] 2];");
  EXPECT_EQ(parse("*2\r\n*0\r\n*1\r\n*1\r\n:7\r\n+next\r\n"), "[[] [[7]]];'next';");
}

TEST(Parser, ReadsWhatRedis3Adds) {
  EXPECT_EQ(parse("_\r\n#t\r\n#f\r\n,3.14\r\n,inf\r\n"), "null;true;false;~3.14;~inf;");
  EXPECT_EQ(parse("(3492890328409238509324850943850943825024385\r\n"),
            "'3492890328409238509324850943850943825024385';");
  EXPECT_EQ(parse("=7\r\ntxt:abc\r\n"), "'abc';");
  EXPECT_EQ(parse("!8\r\nERR a\r\nb\r\n"), "!ERR a\r\nb;");
  EXPECT_EQ(parse("%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n:2\r\n"), "['a' 1 'b' [2]];");
  EXPECT_EQ(parse(">2\r\n+message\r\n+hello\r\n"), ">['message' 'hello'];");
}

TEST(Parser, AnAttributeIsPassedOver) {
  EXPECT_EQ(parse("|1\r\n+ttl\r\n:3600\r\n:5\r\n"), "5;");
  EXPECT_EQ(parse("*2\r\n|1\r\n+a\r\n*2\r\n:1\r\n:2\r\n:5\r\n:6\r\n"), "[5 6];");
  EXPECT_EQ(parse("|0\r\n:5\r\n"), "5;");
}

TEST(Parser, LargeRepliesKeepTheirShape) {
  std::string bytes = "*40\r\n", wanted = "[";
  for (int i = 0; i < 20; ++i) {
    bytes += "*2\r\n:" + std::to_string(i) + "\r\n$3\r\nabc\r\n:9\r\n";
    wanted += (i ? " [" : "[") + std::to_string(i) + " 'abc'] 9";
  }
  EXPECT_EQ(parse(bytes), wanted + "];");
  Parser parser;
  std::string_view left = bytes;
  ASSERT_EQ(parser.feed(left), Parser::Status::complete);
  const Reply reply = parser.take();
  EXPECT_EQ(reply[38][0].integer(), 19);
  EXPECT_TRUE(reply[40].is_null());
  EXPECT_TRUE(reply[39][0].is_null()) << "a number has no elements";
}

TEST(Parser, RefusesWhatRedisDoesNotSend) {
  for (const std::string_view bytes : {"OK\r\n",
                                       "\r\n",
                                       "+OK\n",
                                       "+O\rK\r\n",
                                       ":\r\n",
                                       ":1x\r\n",
                                       ":99999999999999999999\r\n",
                                       "$x\r\n",
                                       "$-2\r\n",
                                       "$3\r\nabcd\r\n",
                                       "$1\r\na\rb",
                                       "*-2\r\n",
                                       "*x\r\n",
                                       "#x\r\n",
                                       "_x\r\n",
                                       "$?\r\n",
                                       "*?\r\n",
                                       "=3\r\nabc\r\n",
                                       "*1\r\n>1\r\n:1\r\n",
                                       "HTTP/1.1 400 Bad Request\r\n"}) {
    EXPECT_TRUE(parse(bytes).ends_with('>')) << bytes;
  }
}

TEST(Parser, HasLimits) {
  EXPECT_EQ(parse("*1\r\n*1\r\n:1\r\n", {.depth = 2}), "[[1]];");
  EXPECT_EQ(parse("*1\r\n*1\r\n*1\r\n:1\r\n", {.depth = 2}), "<a reply is too deep>");
  EXPECT_EQ(parse("*2\r\n:1\r\n:2\r\n", {.nodes = 3}), "[1 2];");
  EXPECT_EQ(parse("*2\r\n:1\r\n:2\r\n", {.nodes = 2}), "<a reply is too large>");
  EXPECT_EQ(parse("*1000000000\r\n", {}), "<a reply is too large>");
  EXPECT_EQ(parse("$9\r\n", {.text = 8}), "<a reply is too large>");
  EXPECT_EQ(parse("*2\r\n$5\r\nabcde\r\n+abcd\r\n", {.text = 8}), "<a reply is too large>");
  EXPECT_EQ(parse("+abcdefg\r\n", {.line = 8}), "<a line is too long>");
}

TEST(Reply, NumbersInTextAreNumbers) {
  Parser parser;
  std::string_view bytes = "*3\r\n$2\r\n17\r\n+1x\r\n#t\r\n";
  ASSERT_EQ(parser.feed(bytes), Parser::Status::complete);
  const Reply reply = parser.take();
  EXPECT_EQ(reply[0].to_integer(), 17);
  EXPECT_EQ(reply[1].to_integer(), std::nullopt);
  EXPECT_EQ(reply[2].to_integer(), 1);
}

}  // namespace
}  // namespace weir::adapters::redis
