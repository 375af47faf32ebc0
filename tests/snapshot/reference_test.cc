// docs/configuration.md tells the truth: its tables are those of the schema.
#include "tests/snapshot/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "snapshot/schema/document_schema.h"
#include "tests/snapshot/fake_filters.h"

namespace weir::snapshot {
namespace {

constexpr std::string_view kBegin = "<!-- reference: begin -->\n";
constexpr std::string_view kEnd = "<!-- reference: end -->";

// With WEIR_UPDATE_GOLDEN=1 in the environment the page is rewritten.
TEST(Reference, ThePageHasTheTablesOfTheSchema) {
  const std::string file = std::string(WEIR_SOURCE_DIR) + "/docs/configuration.md";
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  const std::string page = bytes.str();
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t from = begin + kBegin.size();
  const std::string wanted = reference(document_schema(fake::table()));
  if (std::getenv("WEIR_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file, std::ios::binary) << page.substr(0, from) << wanted << page.substr(end);
  }
  EXPECT_EQ(page.substr(from, end - from), wanted) << "run test_snapshot with WEIR_UPDATE_GOLDEN=1";
}

TEST(Reference, EveryFieldIsExplained) {
  const std::string text = reference(document_schema(fake::table()));
  EXPECT_EQ(text.find("|  |\n"), std::string::npos) << "a field without .doc()";
  for (const std::string_view path : {"`listeners[].tls.certificates[]`", "`upstreams[].targets[]`", "`limits`"}) {
    EXPECT_TRUE(text.contains(path)) << path;
  }
}

}  // namespace
}  // namespace weir::snapshot
