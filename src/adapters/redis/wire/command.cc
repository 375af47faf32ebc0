#include "adapters/redis/wire/command.h"

#include <charconv>

namespace weir::adapters::redis {
namespace {

void append_length(char kind, std::size_t length, std::string& out) {
  char digits[24];
  digits[0] = kind;
  char* end = std::to_chars(digits + 1, digits + sizeof digits - 2, length).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(digits, end);
}

}  // namespace

void encode(Words words, std::string& out) {
  append_length('*', words.size(), out);
  for (const std::string_view word : words) {
    append_length('$', word.size(), out);
    out.append(word);
    out.append("\r\n", 2);
  }
}

}  // namespace weir::adapters::redis
