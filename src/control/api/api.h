// The admin API: what a request means, whether it may, and the answer. Blocking, from several threads at once: called
// by server.h on offload threads, and by tests. It knows no wire and tells no gateway; `published` of an answer says
// that somebody must.
//
// Degraded answer: while the store is away every answer that needs it is 503 with Retry-After within kStorePatience;
// /livez, /metrics and /openapi.yaml go on. A store that hangs keeps /livez and /openapi.yaml (Way::loop) from
// nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control/api/message/message.h"
#include "control/api/message/problem.h"
#include "control/api/state/counts.h"
#include "control/api/state/instance_board.h"
#include "control/api/state/login_notes.h"
#include "control/api/state/throttle.h"
#include "control/changes/publish.h"
#include "control/operators/operators.h"
#include "crypto/digest.h"
#include "identity/key_store.h"

namespace weir::control::api {

// What the API works with; all must outlive it.
struct Means {
  Store& store;
  const Rules& rules;
  const revision::SigningKey& signing_key;
  const InstanceBoard& instances;
  // Where API keys are kept; nullptr: nowhere, and the keys' pages say so. Used under a lock of the API's.
  identity::KeyStore* keys = nullptr;
  // Hashes an API key's secret as gateways do (with the pepper). Empty: no keys can be made.
  std::function<crypto::Digest(std::string_view secret)> hash_secret{};
  // control.allowed_hosts
  std::vector<std::string> allowed_hosts{};
  // The highest number known outside the store (of Redis' head, as last seen): new ones are above. Any thread.
  std::function<std::uint64_t()> number_floor{};
  // False while the process starts or ends: /readyz.
  std::function<bool()> ready{};
  // Milliseconds since the epoch.
  std::function<std::int64_t()> clock = now_ms;
};

// Tokens that have held since the process began. Any thread.
class SeenTokens {
 public:
  bool knows(std::string_view id) const;
  // True: its use is worth writing down, which it was not for a while.
  bool note(const std::string& id, std::int64_t now_ms);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t, std::less<>> last_;  // milliseconds; as many as there are tokens
};

// What the store said when it was last looked at: all that /readyz and /metrics need of it.
struct Pulse {
  std::optional<StoreError> error{};
  std::uint64_t last = 0;  // the last revision's number; 0: none, or not known
};

Pulse look(Store& store);  // blocks

struct Call;
struct Route;
enum class Way : std::uint8_t;

class Api {
 public:
  explicit Api(Means means) : means_(std::move(means)) {}

  // `pulse`, for those that need no more of the store (Way::pulse); nullptr: they look for themselves.
  ApiResponse answer(const ApiRequest& request, const Pulse* pulse = nullptr);
  // Where it is to be answered. Never blocks.
  static Way way(const ApiRequest& request);
  Pulse look() { return api::look(means_.store); }  // blocks
  // What answer() would refuse whatever the body is (who asks, what for, whether they may): asked before a large body
  // is read. nullopt: go on.
  std::optional<ApiResponse> refuse_early(const ApiRequest& request);

  Counts& counts() noexcept { return counts_; }
  LoginNotes& login_notes() noexcept { return notes_; }

 private:
  struct Admitted {
    const Route* route;
    Operator who;
    std::int64_t token_ends = 0;  // seconds; 0: never
  };
  Outcome<Admitted> admit(const ApiRequest& request);
  Outcome<ApiResponse> respond_to(const ApiRequest& request, const Pulse* pulse);
  ApiResponse refused(const Refusal& refusal);
  Outcome<Authenticated> logged_in(const ApiRequest& request);
  void note_failure(const ApiRequest& request, std::int64_t now, bool logged);
  Outcome<ApiResponse> handled(Call& call);

  Means means_;
  Counts counts_;
  Throttle throttle_;
  SeenTokens seen_;
  std::mutex keys_lock_;
  LoginNotes notes_{means_.store, counts_};
};

}  // namespace weir::control::api
