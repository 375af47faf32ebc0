// The config a serving process runs on: its file, and where the file says so (`control_plane`, `control`) a
// revision's document merged in. Made by process.cc. Drafting blocks (it reads and compiles) and is done by
// io/offload, one draft at a time; accepting is the control thread's.
#pragma once

#include <memory>
#include <string>

#include "app/host/config_source.h"
#include "gateway/config/follower.h"
#include "snapshot/compile/compile.h"

namespace weir::app {

class RunningConfig {
 public:
  enum class Origin : std::uint8_t {
    file,           // routes stand in the file
    control_plane,  // they come over Redis
    own_control,    // they come from the control plane in this process
  };

  // A config that may be taken up, or why it may not.
  struct Draft {
    Origin origin = Origin::file;
    Json instance;                                       // the file without the published part; of Origin::file empty
    Json seed;                                           // the file's published part, of Origin::own_control
    gateway::Revision revision;                          // nullptr: none yet, or the file says all
    std::shared_ptr<const snapshot::Snapshot> snapshot;  // nullptr: refused
    std::string refusal;                                 // a line per problem, for the log
    std::string reason;                                  // the first of them, for a receipt
    // Whether there is something to serve; else only its settings are in use, and a revision is waited for.
    bool complete() const noexcept { return origin == Origin::file || revision != nullptr; }
  };

  RunningConfig(ConfigSource source, pipeline::FilterTable filters, io::TlsTicketKeys& ticket_keys);

  const ConfigSource& source() const noexcept { return source_; }

  // The file as it is now, with the revision in use.
  Draft from_file() const;
  // The file as it was taken up, with another revision.
  Draft from_revision(gateway::Revision revision) const;

  // The draft is in use. Its revision is the one from_file() merges from now on.
  void accept(const Draft& draft);

  Origin origin() const noexcept { return origin_; }
  // After the first accept().
  const snapshot::Snapshot& settings() const noexcept { return *snapshot_; }
  const std::shared_ptr<const snapshot::Snapshot>& snapshot() const noexcept { return snapshot_; }
  const gateway::Revision& revision() const noexcept { return revision_; }
  // The number in use: the revision's; of a config that is only a file, how often it was taken up.
  std::uint64_t number() const noexcept { return revision_ ? revision_->number : number_; }

 private:
  void compile(Draft& draft, const Json& document, bool published) const;
  void compile_merged(Draft& draft) const;

  ConfigSource source_;
  pipeline::FilterTable filters_;
  io::TlsTicketKeys& ticket_keys_;
  bool begun_ = false;
  Origin origin_ = Origin::file;
  Json instance_;
  std::shared_ptr<const snapshot::Snapshot> snapshot_;
  gateway::Revision revision_;
  std::uint64_t number_ = 0;
};

}  // namespace weir::app
