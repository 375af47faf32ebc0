#include "upstream/upstream.h"

#include <algorithm>

#include "io/tls/tls_client.h"

namespace weir::upstream {
namespace {

// Idle connections that timed out or were closed by the peer are looked for this often.
constexpr auto kSweep = std::chrono::seconds(1);

// An idle HTTP/1.1 connection has nothing to say: with anything unread it is closed, or it answers what was not
// asked, which must not be given to whoever asks next.
bool stale(io::Stream& stream, bool ask_kernel) noexcept {
  if (stream.handle().peer_closed()) return true;
  if (stream.handle().quiet() && !ask_kernel) return false;
  return stream.anything_unread();
}

bool same_place(const pipeline::TargetSpec& a, const pipeline::TargetSpec& b) {
  return a.host == b.host && a.socket == b.socket;
}

}  // namespace

Connection::Connection(Target& target, std::unique_ptr<io::Stream> stream) noexcept
    : target_(target), stream_(std::move(stream)), index_(target.made.size()) {
  ++target_.connections;
  target_.made.push_back(this);
}

Connection::~Connection() {
  --target_.connections;
  target_.made[index_] = target_.made.back();
  target_.made[index_]->index_ = index_;
  target_.made.pop_back();
}

const std::string& Connection::address() const noexcept { return target_.spec.address; }

Upstream::Upstream(io::Loop& loop, pipeline::UpstreamSpec spec) : loop_(loop), sweep_timer_(*this) {
  reconcile(std::move(spec));
}

void Upstream::abort() noexcept {
  for (const auto* targets : {&targets_, &retired_})
    for (const auto& target : *targets)
      for (Connection* connection : target->made) connection->stream().abort();
}

Upstream::~Upstream() {
  for (auto& target : targets_) target->idle.clear();
}

bool Upstream::reconcile(pipeline::UpstreamSpec spec) {
  bool news = false;
  std::vector<std::unique_ptr<Target>> old = std::move(targets_);
  targets_.clear();
  for (const auto& wanted : spec.targets) {
    auto kept =
        std::find_if(old.begin(), old.end(), [&](auto& each) { return each && same_place(each->spec, wanted); });
    if (kept != old.end()) {
      targets_.push_back(std::move(*kept));
      targets_.back()->spec = wanted;
      continue;
    }
    news = true;
    auto target = std::make_unique<Target>();
    target->spec = wanted;
    if (wanted.host.empty()) target->addresses.push_back(wanted.socket);
    targets_.push_back(std::move(target));
  }
  for (auto& target : old) {
    if (!target) continue;
    target->retired = true;
    target->idle.clear();
    if (target->connections != 0) retired_.push_back(std::move(target));
  }
  forget_retired();
  spec_ = std::move(spec);
  return news;
}

void Upstream::forget_retired() noexcept {
  std::erase_if(retired_, [](const auto& target) { return target->connections == 0; });
}

void Upstream::resolved(const std::string& host, const std::vector<IpAddress>& addresses) {
  for (auto& target : targets_) {
    if (target->spec.host != host) continue;
    std::vector<SocketAddress> now;
    for (const IpAddress& ip : addresses) now.emplace_back(ip, target->spec.socket.port());
    if (now == target->addresses) continue;
    target->addresses = std::move(now);
    target->next_address = 0;
    // Connections to addresses that are gone serve out their exchange and are not used again.
    target->idle.clear();
  }
}

Target* Upstream::pick(Tried& tried) noexcept {
  constexpr std::size_t kRemembered = 64;  // of Tried; beyond it the weights alone see to it that others come first
  const std::size_t count = targets_.size();
  auto choose = [&](bool again) -> Target* {
    std::int64_t total = 0;
    std::size_t best = count;
    for (std::size_t i = 0; i < count; ++i) {
      Target& target = *targets_[i];
      if (target.addresses.empty() || (!again && i < kRemembered && ((tried >> i) & 1))) continue;
      target.current_weight += target.spec.weight;
      total += target.spec.weight;
      if (best == count || target.current_weight > targets_[best]->current_weight) best = i;
    }
    if (best == count) return nullptr;
    targets_[best]->current_weight -= total;
    if (best < kRemembered) tried |= Tried{1} << best;
    return targets_[best].get();
  };
  if (count == 1) {  // most upstreams: nothing to weigh
    tried |= 1;
    return targets_[0]->addresses.empty() ? nullptr : targets_[0].get();
  }
  Target* target = choose(false);
  return target ? target : choose(true);
}

std::unique_ptr<Connection> Upstream::take_idle(Target& target, bool check) noexcept {
  while (!target.idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(target.idle.back());
    target.idle.pop_back();
    if (!stale(connection->stream(), check)) {
      ++connection->served_;
      ++counters_.reused;
      return connection;
    }
  }
  return nullptr;
}

io::Task<Result<std::unique_ptr<Connection>>> Upstream::open(Target& target, io::TimePoint deadline,
                                                             io::Opening* opening) {
  // Counted while connecting too: the target must not be forgotten under us.
  ++target.connections;
  SocketAddress address = target.addresses[target.next_address++ % target.addresses.size()];
  auto limit = std::min(deadline, loop_.now() + spec_.connect_timeout);
  auto tls = spec_.tls;
  std::string name = spec_.server_name.empty() ? target.spec.host : spec_.server_name;
  auto opened = co_await io::connect(loop_, address, limit, opening);
  if (opened && tls) {
    io::Stream& stream = **opened;
    if (opening) opening->is(&stream);
    io::IoStatus status = co_await stream.handshake(tls->new_session(stream.handle().fd(), name), limit);
    if (opening) opening->is(nullptr);
    if (status == io::IoStatus::timed_out) {
      opened = fail(Reason::upstream_connect_timeout, "during the TLS handshake");
    } else if (status != io::IoStatus::ok) {
      opened = fail(Reason::upstream_tls_failed, io::tls_failure(stream.ssl()));
    }
  }
  --target.connections;
  if (!opened) {
    ++counters_.failed;
    co_return std::unexpected(opened.error());
  }
  ++counters_.opened;
  co_return std::make_unique<Connection>(target, std::move(*opened));
}

void Upstream::release(std::unique_ptr<Connection> connection) noexcept {
  Target& target = connection->target_;
  if (target.retired) {
    connection.reset();
    forget_retired();
    return;
  }
  // Aborted: its client went away during the very last write, and nothing can pass over it any more.
  const io::Handle& handle = connection->stream().handle();
  if (handle.peer_closed() || handle.aborted() || target.idle.size() >= spec_.max_idle) return;
  connection->idle_since_ = loop_.now();
  // With a ring nothing is told of a connection that is not being read: what comes while it is idle must be seen
  // before the next request is given to it.
  connection->stream().handle().watch();
  target.idle.push_back(std::move(connection));
  if (!sweep_timer_.armed()) loop_.timers().start(sweep_timer_, loop_.now() + kSweep);
}

void Upstream::sweep() {
  bool any = false;
  auto oldest = loop_.now() - spec_.keep_alive;
  for (auto& target : targets_) {
    std::erase_if(target->idle, [&](const auto& connection) {
      return connection->idle_since_ <= oldest || connection->stream().handle().peer_closed();
    });
    any |= !target->idle.empty();
  }
  if (any) loop_.timers().start(sweep_timer_, loop_.now() + kSweep);
}

std::size_t Upstream::idle_connections() const noexcept {
  std::size_t count = 0;
  for (const auto& target : targets_) count += target->idle.size();
  return count;
}

}  // namespace weir::upstream
