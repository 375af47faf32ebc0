// Token buckets as GCRA (ITU-T I.371, virtual scheduling): a bucket is one number, the theoretical arrival time (TAT)
// at which it will be full again. Exact: times are whole microseconds and n-ths of one, so no rate is rounded that is
// a fraction n/p of tokens per microsecond with n up to 2^20 (every "N per second, minute, hour or day" up to a
// million; beyond it see make()). Pure arithmetic on values, no clock and no memory: limits/ keeps the TATs, the
// Redis script does the same sums. Any thread.
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>

namespace weir {

// A TAT in 64 bits: 44 bits of microseconds, wrapping (203 days), above 20 bits of n-ths. Two stamps compare by the
// sign of their difference, which holds while they are less than 101 days apart; limits/ forgets stamps that lie in
// the past long before that.
using Stamp = std::uint64_t;

class Gcra {
 public:
  static constexpr int kPartBits = 20;
  static constexpr std::uint64_t kPartMask = (1u << kPartBits) - 1;
  static constexpr std::uint64_t kMostParts = 1u << kPartBits;
  static constexpr std::uint64_t kMicrosMask = (std::uint64_t{1} << 44) - 1;
  // A bucket may take this long to fill: a third of what two stamps may be apart, and a month.
  static constexpr std::uint64_t kLongestFill = std::uint64_t{31} * 86'400 * 1'000'000;
  static constexpr std::uint64_t kMostRequests = 1'000'000'000;

  // One token's worth of time, or several tokens': whole microseconds and n-ths.
  struct Span {
    std::uint64_t whole = 0;
    std::uint64_t part = 0;  // less than parts()
    bool operator==(const Span&) const noexcept = default;
  };

  struct Decision {
    bool allowed = false;
    Stamp next = 0;                 // the new TAT; the old one if refused
    std::uint64_t remaining = 0;    // whole tokens left
    std::uint64_t retry_after = 0;  // µs until `cost` tokens are there; 0 if allowed
    std::uint64_t full_after = 0;   // µs until the bucket is full again
  };

  // `requests` tokens per `period` µs, at most `burst` at once. nullopt if one of them is 0, `requests` or `burst` is
  // above kMostRequests, or the period or the filling of the bucket is kLongestFill or longer. A rate that
  // needs more than 2^20 n-ths is rounded down to one that does not: by less than one in a million below a million
  // requests per second.
  static constexpr std::optional<Gcra> make(std::uint64_t requests, std::uint64_t period,
                                            std::uint64_t burst) noexcept {
    if (requests == 0 || period == 0 || burst == 0) return std::nullopt;
    if (requests > kMostRequests || burst > kMostRequests || period >= kLongestFill) return std::nullopt;
    const std::uint64_t common = std::gcd(requests, period);
    Gcra out;
    out.n_ = requests / common;
    out.p_ = period / common;
    if (out.n_ > kMostParts) {
      // p below 2^42 and n up to 2^30: the product needs more than 64 bits.
      const auto scaled = (Wide{out.p_} * kMostParts + out.n_ - 1) / out.n_;
      out.p_ = static_cast<std::uint64_t>(scaled);
      out.n_ = kMostParts;
    }
    out.burst_ = burst;
    out.requests_ = requests;
    out.period_ = period;
    return out.settle() ? std::optional(out) : std::nullopt;
  }

  constexpr std::uint64_t burst() const noexcept { return burst_; }
  constexpr std::uint64_t requests() const noexcept { return requests_; }
  constexpr std::uint64_t period() const noexcept { return period_; }  // µs
  // n: stamps of buckets with the same n are of the same scale, so that a bucket survives a change of its rate.
  constexpr std::uint64_t parts() const noexcept { return n_; }
  constexpr Span fill() const noexcept { return fill_; }  // from empty to full
  constexpr Span span(std::uint64_t cost) const noexcept {
    if (cost == 1) return one_;
    const Wide parts = Wide{p_} * cost;
    return {static_cast<std::uint64_t>(parts / n_), static_cast<std::uint64_t>(parts % n_)};
  }

  // The bucket of one instance that decides for itself: `requests` and burst divided by `divisor`, but never less
  // than one request per period and a burst of one. Same parts(). divisor of at least 1.
  constexpr Gcra divided(std::uint64_t divisor) const noexcept {
    Gcra out = *this;
    const Wide longest = Wide{period_} * n_;  // p for one request per period
    const Wide wanted = Wide{p_} * divisor;
    out.p_ = static_cast<std::uint64_t>(wanted < longest ? wanted : longest);
    out.burst_ = burst_ / divisor > 0 ? burst_ / divisor : 1;
    out.requests_ = requests_ / divisor > 0 ? requests_ / divisor : 1;
    out.settle();  // fits: a burst of one fills within a period, a larger one no later than before
    return out;
  }

  static constexpr Stamp stamp(std::uint64_t now) noexcept { return now << kPartBits; }

  // Decides about `cost` tokens (at least 1) at `now` (µs of one monotonic clock) in the bucket `tat`. A bucket never
  // used is stamp(now). `now` may be before that of an earlier call: a bucket never fills by more than time passed.
  constexpr Decision take(Stamp tat, std::uint64_t now, std::uint64_t cost) const noexcept {
    const Stamp base = at_most_empty(ahead(tat, stamp(now)) > 0 ? tat : stamp(now), now);
    if (cost > burst_) return told({.allowed = false, .next = tat, .retry_after = kLongestFill}, base, now);
    const Stamp next = plus(base, span(cost));
    // Micros and n-ths by which `next` is beyond what the burst lets through now.
    const std::int64_t micros = signed_micros(next, stamp(now)) - static_cast<std::int64_t>(fill_.whole);
    const std::int64_t parts = static_cast<std::int64_t>(next & kPartMask) - static_cast<std::int64_t>(fill_.part);
    if (micros > 0 || (micros == 0 && parts > 0)) {
      const std::uint64_t late = static_cast<std::uint64_t>(micros + (parts > 0 ? 1 : 0));
      return told({.allowed = false, .next = tat, .retry_after = late}, base, now);
    }
    return told({.allowed = true, .next = next}, next, now);
  }

  // `cost` tokens come back: for a request that another limit refused. Never beyond full.
  constexpr Stamp give_back(Stamp tat, std::uint64_t now, std::uint64_t cost) const noexcept {
    if (ahead(tat, stamp(now)) <= 0) return tat;
    const Stamp back = minus(tat, span(cost));
    return ahead(back, stamp(now)) > 0 ? back : stamp(now);
  }

  // What is to be told of a bucket whose TAT is `whole` µs and `part` n-ths ahead of now, as the Redis script says.
  constexpr Decision state(std::uint64_t whole, std::uint64_t part) const noexcept {
    return told({}, (whole << kPartBits) | part, 0);
  }

  // Positive: `a` is later than `b`.
  static constexpr std::int64_t ahead(Stamp a, Stamp b) noexcept { return static_cast<std::int64_t>(a - b); }

  bool operator==(const Gcra&) const noexcept = default;

 private:
  __extension__ using Wide = unsigned __int128;

  constexpr bool settle() noexcept {
    const Wide fill = Wide{p_} * burst_;
    if (fill / n_ >= kLongestFill) return false;
    one_ = {p_ / n_, p_ % n_};
    fill_ = {static_cast<std::uint64_t>(fill / n_), static_cast<std::uint64_t>(fill % n_)};
    return true;
  }

  // A TAT further ahead than an empty bucket's (another, larger burst was in force) is an empty bucket's.
  constexpr Stamp at_most_empty(Stamp tat, std::uint64_t now) const noexcept {
    const Stamp empty = plus(stamp(now), fill_);
    return ahead(tat, empty) > 0 ? empty : tat;
  }

  // Sums keep the part below n, so that a stamp has one form only.
  constexpr Stamp plus(Stamp at, Span by) const noexcept {
    std::uint64_t part = (at & kPartMask) + by.part;
    std::uint64_t whole = (at >> kPartBits) + by.whole;
    if (part >= n_) {
      part -= n_;
      ++whole;
    }
    return (whole << kPartBits) | part;
  }
  constexpr Stamp minus(Stamp at, Span by) const noexcept {
    std::uint64_t part = at & kPartMask;
    std::uint64_t whole = (at >> kPartBits) - by.whole;
    if (part < by.part) {
      part += n_;
      --whole;
    }
    return (whole << kPartBits) | (part - by.part);
  }

  // Whole microseconds from b to a, rounded down; the parts are compared apart.
  static constexpr std::int64_t signed_micros(Stamp a, Stamp b) noexcept {
    return static_cast<std::int64_t>(((a >> kPartBits) - (b >> kPartBits)) << kPartBits) >> kPartBits;
  }

  constexpr Decision told(Decision out, Stamp tat, std::uint64_t now) const noexcept {
    // `tat` is at or after now. What is used of the fill, and what is left of it in n-ths: below 2^62.
    const std::uint64_t whole = static_cast<std::uint64_t>(signed_micros(tat, stamp(now)));
    const std::uint64_t part = tat & kPartMask;
    out.full_after = whole + (part > 0 ? 1 : 0);
    const std::int64_t micros = static_cast<std::int64_t>(fill_.whole - whole);
    if (micros < 0) return out;
    const std::int64_t left = micros * static_cast<std::int64_t>(n_) + static_cast<std::int64_t>(fill_.part) -
                              static_cast<std::int64_t>(part);
    if (left > 0) out.remaining = static_cast<std::uint64_t>(left) / p_;
    return out;
  }

  std::uint64_t n_ = 1;  // n tokens
  std::uint64_t p_ = 1;  // per p µs, in lowest terms
  std::uint64_t burst_ = 1;
  std::uint64_t requests_ = 1;
  std::uint64_t period_ = 1;
  Span one_{1, 0};
  Span fill_{1, 0};
};

}  // namespace weir
