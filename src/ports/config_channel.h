// How revisions reach a gateway and its receipts reach the control plane. Behind it: Redis (adapters/redis), or the
// control plane in the same process (app). The control thread only.
//
// Degraded answer: while the other side is away nothing arrives and the last good revision stays in use for as long
// as it takes; receipts are sent again when it is back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "revision/signed.h"

namespace weir::ports {

// What one instance says of itself. State `applied`: `revision` is in use. `refused`: `revision` was not taken for
// `reason` and `in_use` stays.
struct Receipt {
  enum class State : std::uint8_t { applied, refused, starting };
  std::string instance;  // unique, kept over restarts
  std::string host;      // for people
  std::string version;   // of Weir
  State state = State::starting;
  std::uint64_t revision = 0;  // the newest it has judged; 0: none yet
  std::uint64_t in_use = 0;    // 0: none yet
  std::string reason;          // of `refused`: a sentence with the place and the fix
  std::int64_t at_ms = 0;      // of the judgement, Unix time
};

class ConfigChannel {
 public:
  virtual ~ConfigChannel() = default;

  // Called on the control thread with each revision that is newer than `have` (see follow), whole, decoded and NOT
  // yet verified. May skip numbers: only the newest matters. Undecodable ones come through `broken`, so that they can
  // be refused with a receipt: the number as far as it is known, and why.
  struct Handlers {
    std::function<void(revision::Signed)> arrived;
    std::function<void(std::uint64_t number, std::string why)> broken;
    std::function<void(const std::string&)> complain;  // a sentence; empty: all is well again
    // What is to be had is, again, one that the control plane signed and that arrived before, or the one in use: what
    // was broken meanwhile is gone. Called at every look.
    std::function<void(std::uint64_t number)> settled = [](std::uint64_t) {};
    // Whether the control plane signed it. What it did not sign is handed over all the same, to be refused with a
    // receipt, but only what it did can stand for good between a gateway and others of that number.
    std::function<bool(const revision::Signed&)> is_signed = [](const revision::Signed&) { return true; };
  };
  // Begins. `have`: the revision in use, from which deltas may start; number 0 if there is none.
  virtual void follow(revision::Signed have, Handlers handlers) = 0;
  // From now on this one is in use.
  virtual void have(revision::Signed revision) = 0;
  // Told to the control plane now, and again as often as it takes.
  virtual void report(const Receipt& receipt) = 0;

  virtual void end() = 0;
  virtual bool ended() const noexcept = 0;
};

}  // namespace weir::ports
