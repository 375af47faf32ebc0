#include "gateway/worker.h"

#include <pthread.h>

#include <chrono>
#include <cstdlib>

#include "gateway/run.h"
#include "ports/token_cache.h"

namespace weir::gateway {
namespace {

std::uint64_t microseconds(io::Duration duration) noexcept {
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return us > 0 ? static_cast<std::uint64_t>(us) : 0;
}

// epoll unless asked for: io_uring is not yet proven by the whole suite (docs/adr/0002-io-uring.md).
io::Loop::Backend wanted_backend() {
  const char* wanted = std::getenv("WEIR_IO");
  return wanted && std::string_view(wanted) == "io_uring" ? io::Loop::Backend::io_uring : io::Loop::Backend::epoll;
}

}  // namespace

Worker::Worker(LogFile* log, int index, Attach attach)
    : index_(index),
      loop_(wanted_backend()),
      upstreams_(loop_),
      log_(loop_, log),
      no_route_(&metrics_.routes[std::string(kNoRoute)]),
      server_(loop_, buffers_, *this),
      attach_(std::move(attach)) {}

Worker::~Worker() = default;

void Worker::start() {
  thread_ = std::thread([this] {
    std::string name = "weir-worker-" + std::to_string(index_);
    pthread_setname_np(pthread_self(), name.c_str());
    if (attach_) attachments_ = attach_(loop_, index_);
    loop_.run();
    // What is still open is cut; its coroutines run to their end, so that nothing is leaked and every log record is
    // made. What they wait for is cut, too: filters that ask somebody may be more patient than whoever ends us.
    if (attachments_) attachments_->end();
    for (int turn = 0; !server_.ended() && turn < 1000; ++turn) {
      server_.abort();
      upstreams_.abort();
      loop_.turn(std::chrono::milliseconds(10));
    }
    end_attachments();
    log_.hand_over();
  });
}

void Worker::end_attachments() {
  if (!attachments_) return;
  attachments_->end();
  for (int turn = 0; !attachments_->ended() && turn < 1000; ++turn) loop_.turn(std::chrono::milliseconds(10));
  // Why kept if it has not ended after 10 s: something still runs on its objects; the process ends anyway.
  if (!attachments_->ended()) (void)attachments_.release();
}

void Worker::post(std::move_only_function<void(Worker&)> message) {
  loop_.post([this, message = std::move(message)]() mutable { message(*this); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

void Worker::install(std::shared_ptr<const snapshot::Snapshot> snapshot) {
  auto active = std::make_unique<Active>();
  active->snapshot = std::move(snapshot);
  const snapshot::Snapshot& config = *active->snapshot;
  active->lease.revision = config.revision;
  active->lease.access_log = config.access_log_path.empty() ? nullptr : &log_;
  active->lease.buffers = &buffers_;
  if (attachments_) active->lease.services = attachments_->services();
  active->lease.services.kept = &kept_;
  active->lease.upstreams = upstreams_.enter(config.upstreams);
  for (const auto& route : config.routes) active->route_metrics.push_back(&metrics_.routes[route.id]);
  for (const auto& upstream : config.upstreams)
    active->upstream_metrics.push_back(&metrics_.upstreams[upstream.name]);
  for (const auto& name : config.limit_names) active->limit_metrics.push_back(&metrics_.limits[name]);
  actives_.push_back(std::move(active));
  forget_unused();
}

void Worker::forget_unused() {
  bool any = false;
  for (std::size_t i = 0; i + 1 < actives_.size(); ++i) {
    if (actives_[i]->exchanges != 0) continue;
    upstreams_.leave(actives_[i]->lease.upstreams);
    actives_[i].reset();
    any = true;
  }
  if (!any) return;
  std::erase(actives_, nullptr);
  if (actives_.size() == 1) forget_metrics();
}

// Routes and upstreams that no snapshot in use has any more take their counters with them: labels stay bounded.
void Worker::forget_metrics() {
  const Active& active = *actives_.back();
  std::erase_if(metrics_.routes, [&](const auto& each) {
    return &each.second != no_route_ &&
           std::ranges::find(active.route_metrics, &each.second) == active.route_metrics.end();
  });
  std::erase_if(metrics_.limits, [&](const auto& each) {
    return std::ranges::find(active.limit_metrics, &each.second) == active.limit_metrics.end();
  });
  std::erase_if(metrics_.upstreams, [&](const auto& each) {
    return std::ranges::find(active.upstream_metrics, &each.second) == active.upstream_metrics.end();
  });
}

void Worker::count_limits(const pipeline::Limited& limited, const Active& active) {
  for (const auto& entry : limited.entries()) {
    LimitMetrics& metrics = *active.limit_metrics[entry.limit->index];
    ++(entry.decision.allowed ? metrics.allowed : metrics.refused);
    if (entry.decision.degraded) ++metrics.degraded;
  }
}

io::Task<void> Worker::handle(http::ServerExchange& wire) {
  Active& active = *actives_.back();
  ++active.exchanges;
  ++metrics_.active;
  {
    pipeline::Exchange exchange(loop_, active.lease, wire);
    exchange.started = wire.started;
    exchange.wall_started_us = loop_.wall_us(wire.started);
    co_await run(exchange, *active.snapshot);
    record(exchange, active);
  }
  --metrics_.active;
  --active.exchanges;
  if (active.exchanges == 0 && actives_.size() > 1) forget_unused();
}

void Worker::record(const pipeline::Exchange& exchange, Active& active) {
  RouteMetrics& route = exchange.route ? *active.route_metrics[exchange.route->index] : *no_route_;
  auto whole = microseconds(exchange.ended - exchange.started);
  int status = exchange.writer.begun() ? exchange.writer.status() : info(exchange.reason).status;
  route.record(exchange.request.method, status, exchange.reason, whole);
  route.bytes_in += exchange.body.received();
  route.bytes_out += exchange.writer.body_bytes();
  if (exchange.canary) ++route.canary;
  count_limits(exchange.limited, active);
  if (!exchange.route || exchange.upstream_first_byte == io::TimePoint{}) {
    metrics_.overhead.record(whole);
    return;
  }
  auto waited = microseconds(exchange.upstream_first_byte - exchange.upstream_started);
  metrics_.overhead.record(whole > waited ? whole - waited : 0);
  const auto& to = exchange.canary ? exchange.route->canary : exchange.route->stable;
  active.upstream_metrics[to.upstream]->first_byte.record(waited);
}

Metrics Worker::measure() const {
  Metrics out = metrics_;
  upstreams_.for_each([&](const upstream::Upstream& upstream) {
    auto& metrics = out.upstreams[upstream.spec().name];
    metrics.opened += upstream.counters().opened;
    metrics.reused += upstream.counters().reused;
    metrics.failed += upstream.counters().failed;
    metrics.idle += upstream.idle_connections();
  });
  if (attachments_) {
    const pipeline::Services& services = attachments_->services();
    if (services.rates) out.rates = services.rates->counters();
    if (services.credentials) out.api_keys = services.credentials->counters();
    if (services.tokens) out.tokens_forged = services.tokens->forged();
  }
  kept_.for_each([&](const pipeline::Kept::Item& item) {
    const pipeline::AskCounts* counts = item.counts();
    if (counts == nullptr || counts->endpoint.empty()) return;
    out.asked[counts->endpoint].add({.hits = counts->hits,
                                     .negative_hits = counts->negative_hits,
                                     .asked = counts->asked,
                                     .joined = counts->joined,
                                     .refused = counts->refused,
                                     .failures = counts->failures,
                                     .breakers_open = item.refuses(loop_.now()) ? 1u : 0u});
  });
  const auto& counters = server_.counters();
  out.connections_accepted = counters.accepted;
  out.connections_open = counters.open;
  out.connections_refused = counters.refused;
  out.tls_failed = counters.tls_failed;
  out.proxy_protocol_failed = counters.proxy_failed;
  return out;
}

}  // namespace weir::gateway
