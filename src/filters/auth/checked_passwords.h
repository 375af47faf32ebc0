// The passwords that a worker has checked lately, good ones and bad ones, and those being checked just now. Kept
// under HMAC-SHA-256 with a key of this worker's own, so that memory holds no password and no hash of one that could
// be tried elsewhere. Used by the filter basic; the worker's thread only.
#pragma once

#include <coroutine>
#include <optional>
#include <unordered_map>
#include <vector>

#include "crypto/digest.h"
#include "io/loop/clock.h"
#include "pipeline/kept.h"

namespace weir::filters {

class CheckedPasswords final : public pipeline::Kept::Item {
 public:
  // A good one is believed for five minutes, a bad one for ten seconds: long enough for a client that repeats itself
  // not to keep a core busy.
  static constexpr auto kGood = std::chrono::minutes(5);
  static constexpr auto kBad = std::chrono::seconds(10);
  // Of each generation; two generations of 4,096 take about half a megabyte, however many passwords are tried.
  static constexpr std::size_t kMost = 4096;

  CheckedPasswords();

  crypto::Digest mark(std::initializer_list<std::string_view> parts) const noexcept;

  // nullopt: not checked lately.
  std::optional<bool> find(const crypto::Digest& mark, io::TimePoint now) const noexcept;

  // True: the caller checks it and calls settle(). False: it is being checked; co_await result().
  bool begin(const crypto::Digest& mark);
  // nullopt: it could not be checked. Resumes those who wait for it.
  void settle(const crypto::Digest& mark, std::optional<bool> holds, io::TimePoint now);

  auto result(const crypto::Digest& mark) {
    struct Awaiter {
      CheckedPasswords& passwords;
      Waiter waiter;
      crypto::Digest mark;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> awaiter) {
        waiter.handle = awaiter;
        passwords.checking_[mark].push_back(&waiter);
      }
      std::optional<bool> await_resume() const noexcept { return waiter.holds; }
    };
    return Awaiter{*this, {}, mark};
  }

  bool busy() const noexcept override { return !checking_.empty(); }

 private:
  struct Waiter {
    std::coroutine_handle<> handle;
    std::optional<bool> holds;
  };
  struct Verdict {
    bool holds = false;
    io::TimePoint until{};
  };
  struct MarkHash {  // a MAC is as even as a hash can be
    std::size_t operator()(const crypto::Digest& mark) const noexcept;
  };
  using Verdicts = std::unordered_map<crypto::Digest, Verdict, MarkHash>;

  crypto::Mac key_;
  Verdicts recent_, older_;
  std::unordered_map<crypto::Digest, std::vector<Waiter*>, MarkHash> checking_;
};

}  // namespace weir::filters
