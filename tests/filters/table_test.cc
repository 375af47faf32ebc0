// What must hold for every filter there is.
#include "filters/table.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/filters/made.h"

namespace weir::filters {
namespace {

TEST(Table, NamesAreUniqueAndInPhaseOrder) {
  std::set<std::string_view> names;
  pipeline::Phase last = pipeline::Phase::pre_auth;
  for (const pipeline::FilterSpec& spec : table()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_GE(spec.phase, last) << spec.name;
    EXPECT_TRUE(spec.summary.ends_with('.')) << spec.name;
    last = spec.phase;
  }
}

TEST(Table, DefaultsSatisfyTheirSchemas) {
  for (const pipeline::FilterSpec& spec : table()) {
    for (const Problem& problem : default_problems(spec.schema())) ADD_FAILURE() << describe(problem, spec.name);
  }
}

// Each filter has its page, and the page names every field.
TEST(Table, EveryFieldIsDocumented) {
  for (const pipeline::FilterSpec& spec : table()) {
    const std::filesystem::path page =
        std::filesystem::path(WEIR_SOURCE_DIR) / "docs" / "filters" / (std::string(spec.name) + ".md");
    std::ifstream in(page);
    ASSERT_TRUE(in) << page;
    std::stringstream text;
    text << in.rdbuf();
    for (const Field& field : spec.schema().fields) {
      EXPECT_FALSE(field.text.empty()) << spec.name << "." << field.name;
      EXPECT_TRUE(text.str().contains("`" + std::string(field.name) + "`")) << page << " lacks " << field.name;
    }
  }
}

}  // namespace
}  // namespace weir::filters
