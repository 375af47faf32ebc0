// Replies from the bytes a server sends: RESP2 and RESP3 without I/O, in pieces of any size, each byte looked at
// once. Strict: what Redis does not send (streamed aggregates, bare line ends, leading zeros in nothing but reals) is
// malformed, and so is a reply beyond the limits: the connection cannot be used after it. Used by link.h, opening.cc
// and adapters/redis/subscriber.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/redis/wire/reply.h"

namespace weir::adapters::redis {

struct ParserLimits {
  std::size_t depth = 16;         // CLUSTER SLOTS, the deepest we ask for, is 5
  std::size_t nodes = 1'000'000;  // a feed of 50,000 keys with ten fields each, twice over
  std::size_t text = 64u << 20;   // bytes of all strings of one reply: a document of that size is a mistake
  std::size_t line = 64u << 10;   // an error or a status; Redis' own inline limit
};

class Parser {
 public:
  enum class Status : std::uint8_t { needs_more, complete, malformed };

  Parser() = default;
  explicit Parser(const ParserLimits& limits) : limits_(limits) {}

  // Takes from the front of `bytes` what it uses: all of it, or up to the end of one reply. After `complete`, take()
  // the reply before feeding on; after `malformed`, nothing more can be fed.
  Status feed(std::string_view& bytes);
  Reply take() noexcept;

  // Static storage: what was wrong, after `malformed`.
  std::string_view problem() const noexcept { return problem_; }
  // Nothing of a reply has come yet.
  bool idle() const noexcept { return stack_.empty() && line_.empty() && !in_bulk_ && reply_.count_ == 0; }

 private:
  struct Open {
    std::uint32_t at;    // its node
    std::uint32_t left;  // children to come
    bool attribute;      // RESP3 `|`: to be dropped, followed by the value it is about
  };

  Status fail(std::string_view problem) noexcept;
  Status on_line(std::string_view line);
  Status on_bulk_header(char kind, std::string_view rest);
  Status on_aggregate(char kind, std::string_view rest);
  Status on_text(Type type, std::string_view text);
  Status feed_bulk(std::string_view& bytes);
  Status add(const Reply::Node& node);
  Status finish_value();

  ParserLimits limits_;
  Reply reply_;
  std::vector<Open> stack_;
  std::string line_;  // the beginning of a line whose end has not come
  bool in_bulk_ = false;
  bool verbatim_ = false;
  std::size_t bulk_left_ = 0;  // bytes to come, the CRLF included
  Reply::Node bulk_;
  std::string_view problem_;
};

}  // namespace weir::adapters::redis
