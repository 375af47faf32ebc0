// Promise: a token that does not hold is in the audit log sooner or later, and nobody waits for that.
#include "control/api/state/login_notes.h"

#include <atomic>
#include <semaphore>

#include "tests/control/api/scene.h"

namespace weir::control::api {
namespace {

// Whose writers wait until they are let in, as behind another process that holds the lock.
class LockedStore final : public Store {
 public:
  explicit LockedStore(Store& store) : store_(store) {}
  StoreResult<void> read(const Reading<void>& work) override { return store_.read(work); }
  StoreResult<void> write(const Writing& work) override {
    if (refuse) return std::unexpected(StoreError{StoreError::Kind::unavailable, "locked"});
    begun.release();
    go.acquire();
    return store_.write(work);
  }
  StoreResult<void> note_token_use(std::string_view, std::int64_t) override { return {}; }

  std::atomic<bool> refuse = false;
  std::counting_semaphore<> begun{0}, go{0};

 private:
  Store& store_;
};

std::size_t failures(Store& store) {
  std::size_t out = 0;
  const auto read = store.read([&](StoreView& view) -> StoreResult<void> {
    for (const AuditEntry& each : view.audit(0, 10'000).value())
      if (each.action == "login_failed") ++out;
    return {};
  });
  EXPECT_TRUE(read);
  return out;
}

TEST(LoginNotes, NobodyWaitsForTheLock) {
  const auto store = std::move(*adapters::sqlite::open(":memory:"));
  LockedStore locked(*store);
  Counts counts;
  LoginNotes notes(locked, counts);
  notes.failed("192.0.2.1", 1'800'000'000'000);
  locked.begun.acquire();  // now its thread hangs in the store
  for (std::size_t i = 1; i < LoginNotes::kMostFailures; ++i) notes.failed("192.0.2.1", 1'800'000'000'000);
  EXPECT_NE(counts.exposition({}, 0).find("weir_control_login_notes_dropped_total 0"), std::string::npos);
  notes.failed("192.0.2.1", 1'800'000'000'000);
  EXPECT_NE(counts.exposition({}, 0).find("weir_control_login_notes_dropped_total 1"), std::string::npos);
  locked.go.release(2);
  notes.settle();
  EXPECT_EQ(failures(*store), LoginNotes::kMostFailures);
  EXPECT_TRUE(verify_audit(*store)->ok);
}

TEST(LoginNotes, AStoreThatIsAwayIsAskedAgain) {
  const auto store = std::move(*adapters::sqlite::open(":memory:"));
  LockedStore locked(*store);
  locked.go.release(2);
  Counts counts;
  {
    LoginNotes notes(locked, counts);
    locked.refuse = true;
    notes.failed("192.0.2.1", 1'800'000'000'000);
    notes.settle();
    EXPECT_EQ(failures(*store), 0u);
    locked.refuse = false;
    locked.begun.acquire();
    while (failures(*store) == 0) std::this_thread::yield();
    notes.settle();
    notes.failed("192.0.2.2", 1'800'000'000'000);
  }
  EXPECT_EQ(failures(*store), 2u) << "written at the end at the latest";
}

// A request with a wrong token, while another process holds the lock.
TEST_F(Scene, a_wrong_token_is_refused_while_the_lock_is_held) {
  LockedStore locked(*store);
  Api other(Means{
      .store = locked, .rules = rules, .signing_key = key, .instances = board, .clock = [this] { return now; }});
  auto request = *api_request("GET", "/v1/whoami");
  request.fields = {{"host", "localhost"}, {"authorization", "Bearer weirop_000000000000_" + std::string(43, 'x')}};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(other.answer(request).status, 401);
  request.fields.back().second = "Bearer " + token;
  EXPECT_EQ(other.answer(request).status, 200) << "and the token that holds is not kept waiting either";
  locked.go.release(3);
  other.login_notes().settle();
  EXPECT_EQ(failures(*store), 3u);
}

}  // namespace
}  // namespace weir::control::api
