// Two operators who edit the same objects at once, each with the version they read: no change is lost, whatever the
// order the store does them in. On a file, since in memory the store takes one caller at a time.
#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "control/audit.h"
#include "tests/control/desk.h"

namespace weir::control {
namespace {

constexpr int kWriters = 2;
constexpr int kEdits = 60;
constexpr int kRoutes = 3;

class TwoWriters : public testing::TestWithParam<unsigned> {
 protected:
  TwoWriters() {
    char pattern[] = "/tmp/weir-writers-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    desk_.store = std::move(*adapters::sqlite::open(folder_ + "/control.db"));
  }
  ~TwoWriters() override {
    desk_.store.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string name(int route) { return "r" + std::to_string(route); }

  // A route's `priority` counts the edits that were agreed to: each adds one to what it read.
  void edit(unsigned seed, int writer) {
    std::mt19937 random(seed * 7919 + static_cast<unsigned>(writer));
    for (int i = 0; i < kEdits; ++i) {
      const int route = static_cast<int>(random() % kRoutes);
      std::optional<Object> seen;
      const auto read = desk_.store->read([&](StoreView& view) -> StoreResult<void> {
        auto found = view.object(Kind::route, name(route));
        if (!found) return std::unexpected(found.error());
        seen = std::move(*found);
        return {};
      });
      ASSERT_TRUE(read) << read.error().message;
      const std::int64_t count = seen ? seen->body.find("priority")->as_integer() : 0;
      Json body = json(R"({"path_pattern": "/", "upstream_url": "http://10.0.0.1"})");
      body.set("priority", count + 1);
      const Expected expected =
          seen ? Expected{Expected::Kind::version, seen->version} : Expected{Expected::Kind::absent};
      const auto done = transact(*desk_.store, false, [&](StoreWriter& store) -> Agreed<void> {
        Author author = platform();
        author.who.name = "writer-" + std::to_string(writer);
        auto put = Draft(store, desk_.rules, author).put(Kind::route, name(route), body, expected);
        if (!put) return std::unexpected(put.error());
        return {};
      });
      if (done) {
        ++agreed_[static_cast<std::size_t>(route)];
      } else {
        ASSERT_TRUE(done.error().kind == Objection::Kind::stale || done.error().kind == Objection::Kind::exists)
            << done.error().message;
        ++refused_;
      }
    }
  }

  std::string folder_;
  Desk desk_;
  std::array<std::atomic<int>, kRoutes> agreed_{};
  std::atomic<int> refused_ = 0;
};

TEST_P(TwoWriters, LoseNothing) {
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < kWriters; ++writer)
    threads.emplace_back([this, writer] { edit(GetParam(), writer); });
  threads.clear();
  int total = 0;
  for (int route = 0; route < kRoutes; ++route) {
    const auto kept = desk_.object(Kind::route, name(route));
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->body.find("priority")->as_integer(), agreed_[static_cast<std::size_t>(route)]);
    total += agreed_[static_cast<std::size_t>(route)];
  }
  EXPECT_EQ(total + refused_, kWriters * kEdits);
  // Each that was agreed to has its line, and the chain of lines holds.
  const AuditVerdict verdict = verify_audit(*desk_.store).value();
  EXPECT_TRUE(verdict.ok) << verdict.reason;
  EXPECT_EQ(verdict.entries, static_cast<std::uint64_t>(total));
}

INSTANTIATE_TEST_SUITE_P(Seeds, TwoWriters, testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace weir::control
