#include "app/serve/following.h"

#include <unistd.h>

#include "adapters/redis/config/channel.h"
#include "app/host/say.h"
#include "ports/redis_settings.h"

namespace weir::app {
namespace {

// A full disk is looked after by somebody, sooner or later; a try costs a file of some megabytes.
constexpr auto kSaveAgain = std::chrono::minutes(1);

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

}  // namespace

std::expected<std::string, std::string> instance_name(const snapshot::Snapshot& config) {
  if (config.control_plane && !config.control_plane->instance_id.empty()) return config.control_plane->instance_id;
  if (config.state_dir.empty()) return host_name();  // the only one of its control plane
  auto id = gateway::instance_id(config.state_dir);
  if (!id) return std::unexpected("state_dir: " + id.error());
  return host_name() + "-" + *id;
}

Following::Following(io::Loop& loop, ports::NameResolver* resolver) : loop_(loop), resolver_(resolver), bell_(loop) {}

Following::~Following() = default;

gateway::Revision Following::last_good(const std::string& state_dir, const revision::PublicKey& key,
                                       std::uint64_t below) {
  if (state_dir.empty()) return nullptr;
  auto loaded = gateway::LastGood(state_dir).load(key, below);
  for (const std::string& skipped : loaded.skipped) say("warning: {}", skipped);
  if (!loaded.revision) return nullptr;
  return std::make_shared<const revision::Signed>(std::move(*loaded.revision));
}

bool Following::kept_any(const std::string& state_dir) {
  if (state_dir.empty()) return false;
  const auto loaded = gateway::LastGood(state_dir).load({});
  return loaded.revision || !loaded.skipped.empty();
}

std::expected<void, std::string> Following::begin(const snapshot::Snapshot& config, const revision::PublicKey& key,
                                                  gateway::Revision in_use, ports::ConfigChannel* in_process,
                                                  std::function<void()> wake) {
  auto name = instance_name(config);
  if (!name) return std::unexpected(name.error());
  if (!config.state_dir.empty()) kept_.emplace(config.state_dir);
  state_dir_ = config.state_dir;
  settings_ = config.control_plane.value_or(snapshot::ControlPlaneSettings{});
  key_ = key;
  in_process_ = in_process;
  follower_.emplace(gateway::ConfigFollower::Identity{key, *std::move(name), host_name(), WEIR_VERSION},
                    std::move(wake), [](const std::string& what) { say_line(what); });
  if (in_process_ != nullptr) {
    follower_->follow(*in_process_, std::move(in_use));
  } else {
    connect(config.redis, std::move(in_use));
  }
  return {};
}

void Following::connect(std::shared_ptr<const ports::RedisSettings> redis, gateway::Revision in_use) {
  std::erase_if(channels_, [](const auto& each) { return each->ended(); });
  redis_ = std::move(redis);
  channels_.push_back(std::make_unique<adapters::redis::ConfigChannel>(loop_, redis_, resolver_));
  follower_->follow(*channels_.back(), std::move(in_use));
}

void Following::follow(const snapshot::Snapshot& config) {
  if (config.state_dir != state_dir_)
    say("warning: revisions go to another state_dir at the next start, not by a reload");
  if (in_process_ != nullptr) return;
  if (config.control_plane->instance_id != settings_.instance_id)
    say("warning: control_plane.instance_id changes at the next start, not by a reload");
  const auto key = revision::public_key(config.control_plane->public_key);
  const bool same_key = !key || *key == key_;
  if (same_key && redis_->same_as(*config.redis)) return;
  if (!same_key) follower_->trust(key_ = *key);
  // A channel judges each number once: what the key before refused is judged anew by a new one.
  channels_.back()->end();
  connect(config.redis, follower_->in_use());
}

void Following::applied(gateway::Revision revision) {
  follower_->applied(revision);
  if (!kept_) return;
  unsaved_ = std::move(revision);
  bell_.ring();
  if (!saving_) tasks_.spawn(save());
}

io::Task<void> Following::save() {
  saving_ = true;
  while (unsaved_) {
    const gateway::Revision revision = std::exchange(unsaved_, nullptr);
    auto saved = co_await offload_.run(loop_, [kept = *kept_, revision] { return kept.save(*revision); });
    std::string complaint = !saved ? "the thread is busy" : !*saved ? saved->error() : "";
    if (complaint != complaint_) {
      complaint_ = complaint;
      if (complaint.empty()) {
        say("revisions are kept on disk again");
      } else {
        say("alert: revision_not_kept: revision {} is in use, but a restart would not find it: {}", revision->number,
            complaint);
      }
    }
    if (complaint.empty() || ending_) continue;
    if (!unsaved_) unsaved_ = revision;
    co_await bell_.wait(loop_.now() + kSaveAgain);
  }
  saving_ = false;
}

void Following::end() {
  ending_ = true;
  if (in_process_ != nullptr) in_process_->end();
  if (!channels_.empty()) channels_.back()->end();
  bell_.ring();
}

bool Following::ended() const noexcept {
  if (saving_ || (in_process_ != nullptr && !in_process_->ended())) return false;
  return std::ranges::all_of(channels_, [](const auto& each) { return each->ended(); });
}

}  // namespace weir::app
