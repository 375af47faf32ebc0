// The asking side of oauth2_introspection on one worker: answers that still hold, tokens being asked about just now,
// and the breaker before the endpoint. Outlives snapshots (pipeline/kept.h). Knows no exchange and decides nothing
// about callers: the filter does. The worker's thread.
#pragma once

#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/digest.h"
#include "filters/tokens/introspection.h"
#include "io/gate.h"
#include "pipeline/kept.h"
#include "pipeline/make_context.h"
#include "upstream/breaker.h"
#include "upstream/fetch.h"

namespace weir::filters {

struct IntrospectionSettings {
  pipeline::Endpoint endpoint;
  std::string authorization;  // of Weir itself at the endpoint; empty: none
  std::string form;           // what follows the token in the form: "&client_id=…"
  io::Duration timeout{};
  io::Duration positive_ttl{};
  io::Duration negative_ttl{};
  std::size_t entries = 0;
  upstream::Breaker::Settings breaker;
};

class Introspector final : public pipeline::Kept::Item {
 public:
  bool busy() const noexcept override { return !flights_.empty(); }
  const pipeline::AskCounts* counts() const noexcept override { return &counts_; }
  bool refuses(io::TimePoint now) const noexcept override { return breaker_.open(breaker_settings_, now); }

  // What is known of a token, by its SHA-256; nullptr: it must be asked. Valid until the caller waits.
  const Introspection* find(const crypto::Digest& token, io::TimePoint now);

  // Asks the endpoint about `token`, whose SHA-256 is `key`; requests that ask for the same one meanwhile wait for
  // the one answer. The call belongs to none of them: it goes on when its client goes away. `settings`, `token` and
  // `upstream` live until it returns. `wall` is in seconds since the epoch. Errors: auth_unavailable.
  io::Task<Result<Introspection>> ask(const IntrospectionSettings& settings, upstream::Upstream& upstream,
                                      http::BufferPool& buffers, std::string_view token, const crypto::Digest& key,
                                      std::int64_t wall);

  std::size_t known() const noexcept { return known_.size(); }

 private:
  struct KeyHash {
    std::size_t operator()(const crypto::Digest& key) const noexcept;
  };
  struct Known {
    crypto::Digest key;
    Introspection answer;
    io::TimePoint until;
  };
  struct Waiter {
    io::Gate gate;
    const Result<Introspection>* outcome = nullptr;
  };
  using Waiters = std::vector<Waiter*>;  // in their own frames

  static io::Task<Result<Introspection>> call(const IntrospectionSettings& settings, upstream::Upstream& upstream,
                                              http::BufferPool& buffers, std::string_view token);
  void keep(const IntrospectionSettings& settings, const crypto::Digest& key, const Introspection& answer,
            io::TimePoint now, std::int64_t wall);

  std::list<Known> known_;  // the last used first
  std::unordered_map<crypto::Digest, std::list<Known>::iterator, KeyHash> by_key_;
  std::unordered_map<crypto::Digest, Waiters*, KeyHash> flights_;  // in the frame of who asks
  upstream::Breaker breaker_;
  upstream::Breaker::Settings breaker_settings_;  // of who asked last
  pipeline::AskCounts counts_;
};

}  // namespace weir::filters
