// fuzz: adapters/redis/*
// The reader of Redis replies: whatever a server sends, it is read the same whole and in pieces, every value can be
// walked, and the limits hold.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "adapters/redis/cluster.h"
#include "adapters/redis/wire/parser.h"

namespace {

using namespace weir::adapters::redis;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr ParserLimits kLimits{.depth = 6, .nodes = 200, .text = 4096, .line = 256};

std::size_t walk(const Value& value, std::size_t depth, std::string& out) {
  require(depth <= kLimits.depth);
  out += static_cast<char>('a' + static_cast<int>(value.type()));
  out += value.text();
  out += std::to_string(value.integer());
  require(value.text().size() <= kLimits.text);
  std::size_t nodes = 1, index = 0;
  for (const Value child : value) {
    require(child.type() == value[index++].type());
    nodes += walk(child, depth + 1, out);
  }
  require(index == value.size());
  return nodes;
}

std::string read(std::string_view bytes, std::size_t step) {
  Parser parser(kLimits);
  std::string out;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      const Parser::Status status = parser.feed(piece);
      if (status == Parser::Status::malformed) {
        require(!parser.problem().empty());
        return out + "malformed";
      }
      if (status == Parser::Status::needs_more) {
        require(piece.empty());
        break;
      }
      const Reply reply = parser.take();
      require(walk(reply.value(), 0, out) <= kLimits.nodes);
      out += ';';
      if (const auto redirect = parse_redirect(reply.text(), {"host", 1})) require(redirect->slot < kSlots);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = read(bytes, bytes.size() + 1);
  require(read(bytes, 1) == whole);
  require(read(bytes, 7) == whole);
  return 0;
}
