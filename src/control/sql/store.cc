#include "control/sql/store.h"

#include "control/sql/writer.h"

namespace weir::control::sql {
namespace {

// For what does not matter when lost.
constexpr auto kNotePatience = std::chrono::seconds(1);

class SqlStore final : public Store {
 public:
  SqlStore(Pool::Connect connect, std::size_t most, std::chrono::milliseconds patience)
      : pool_(std::move(connect), most), patience_(patience) {}

  StoreResult<void> read(const Reading<void>& work) override {
    auto lease = pool_.begin(Mode::read, std::chrono::steady_clock::now() + patience_);
    if (!lease) return std::unexpected(std::move(lease.error()));
    Writer view(**lease);
    auto done = work(view);
    // Nothing is kept by it, so nothing is lost when it fails: the session is thrown away then.
    if (done) (void)lease->commit();
    return done;
  }

  StoreResult<void> write(const Writing& work) override { return write(work, patience_); }

  StoreResult<void> note_token_use(std::string_view token_id, std::int64_t at) override {
    return write([&](StoreWriter& writer) { return static_cast<Writer&>(writer).note_token_use(token_id, at); },
                 std::min<std::chrono::milliseconds>(kNotePatience, patience_));
  }

 private:
  // Writers of this process queue here and not in the database, where each would hold a connection.
  class Turn {
   public:
    Turn(SqlStore& store, Pool::Deadline deadline) : store_(store) {
      std::unique_lock lock(store_.mutex_);
      mine_ = store_.turn_.wait_until(lock, deadline, [&] { return !store_.writing_; });
      if (mine_) store_.writing_ = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (!mine_) return;
      {
        const std::lock_guard lock(store_.mutex_);
        store_.writing_ = false;
      }
      store_.turn_.notify_one();
    }
    explicit operator bool() const noexcept { return mine_; }

   private:
    SqlStore& store_;
    bool mine_ = false;
  };

  StoreResult<void> write(const Writing& work, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    const Turn turn(*this, deadline);
    if (!turn)
      return std::unexpected(
          StoreError{StoreError::Kind::unavailable, "other changes are still being written; try again"});
    auto lease = pool_.begin(Mode::write, deadline);
    if (!lease) return std::unexpected(std::move(lease.error()));
    Writer writer(**lease);
    if (auto done = work(writer); !done) return done;
    if (auto done = writer.finish(); !done) return done;
    return lease->commit();
  }

  Pool pool_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable turn_;
  bool writing_ = false;
};

}  // namespace

std::unique_ptr<Store> make_store(Pool::Connect connect, std::size_t most, std::chrono::milliseconds patience) {
  return std::make_unique<SqlStore>(std::move(connect), most, patience);
}

}  // namespace weir::control::sql
