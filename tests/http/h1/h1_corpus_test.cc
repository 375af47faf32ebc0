// The fuzz corpora of the HTTP/1.1 parser, replayed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/http/h1/h1_properties.h"

namespace weir::http {
namespace {

void replay(const char* name, std::string (*broken)(std::string_view)) {
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(WEIR_SOURCE_DIR "/fuzz/corpus/") + name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(broken(input), "") << entry.path();
    ++inputs;
  }
  EXPECT_GT(inputs, 5);
}

TEST(H1Corpus, Requests) { replay("h1_request", broken_request_property); }
TEST(H1Corpus, Responses) { replay("h1_response", broken_response_property); }
TEST(H1Corpus, ChunkedBodies) { replay("h1_chunked", broken_chunked_property); }

}  // namespace
}  // namespace weir::http
