#include "filters/tokens/introspector.h"

#include <cstring>

#include "filters/tokens/form.h"

namespace weir::filters {
namespace {

// An answer with a long list of roles is a few KiB.
constexpr std::size_t kMostBody = 64 * 1024;
// Tokens asked about at once on one worker. Ten times what an endpoint answers within a second would queue there;
// who sends more made-up tokens than this is not to bring it down through us.
constexpr std::size_t kMostFlights = 256;

Error unavailable(const Error& error) noexcept {
  switch (error.reason) {
    case Reason::upstream_timeout:
      return {Reason::auth_unavailable, "the introspection endpoint did not answer in time"};
    case Reason::upstream_protocol_error:
      return {Reason::auth_unavailable, "the introspection endpoint's answer is malformed"};
    case Reason::upstream_tls_failed:
      return {Reason::auth_unavailable, "the TLS handshake with the introspection endpoint failed"};
    case Reason::auth_unavailable:
      return error;
    default:
      return {Reason::auth_unavailable, "the introspection endpoint cannot be reached"};
  }
}

}  // namespace

std::size_t Introspector::KeyHash::operator()(const crypto::Digest& key) const noexcept {
  std::size_t out;
  std::memcpy(&out, key.data(), sizeof out);  // a SHA-256 is as good as random
  return out;
}

const Introspection* Introspector::find(const crypto::Digest& token, io::TimePoint now) {
  const auto at = by_key_.find(token);
  if (at == by_key_.end()) return nullptr;
  if (at->second->until <= now) {
    known_.erase(at->second);
    by_key_.erase(at);
    return nullptr;
  }
  ++(at->second->answer.active ? counts_.hits : counts_.negative_hits);
  known_.splice(known_.begin(), known_, at->second);
  return &at->second->answer;
}

void Introspector::keep(const IntrospectionSettings& settings, const crypto::Digest& key, const Introspection& answer,
                        io::TimePoint now, std::int64_t wall) {
  io::Duration ttl = answer.active ? settings.positive_ttl : settings.negative_ttl;
  // An hour is longer than any ttl; seconds of a far year would not fit a duration.
  if (answer.expires != 0)
    ttl = std::min<io::Duration>(ttl, std::chrono::seconds(std::min<std::int64_t>(answer.expires - wall, 3600)));
  if (ttl <= io::Duration::zero()) return;
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    known_.erase(at->second);
    by_key_.erase(at);
  }
  while (known_.size() >= settings.entries) {
    by_key_.erase(known_.back().key);
    known_.pop_back();
  }
  known_.push_front({key, answer, now + ttl});
  by_key_.emplace(key, known_.begin());
}

io::Task<Result<Introspection>> Introspector::call(const IntrospectionSettings& settings,
                                                   upstream::Upstream& upstream, http::BufferPool& buffers,
                                                   std::string_view token) {
  std::string form = "token=" + form_encoded(token) + "&token_type_hint=access_token" + settings.form;
  upstream::FetchRequest request{
      .method = "POST", .authority = settings.endpoint.authority, .target = settings.endpoint.target, .body = form};
  request.fields.append("Content-Type", "application/x-www-form-urlencoded");
  request.fields.append("Accept", "application/json");
  if (!settings.authorization.empty()) request.fields.append("Authorization", settings.authorization);
  const auto got =
      co_await upstream::fetch(upstream, buffers, request, upstream.loop().now() + settings.timeout, kMostBody);
  if (!got) co_return std::unexpected(unavailable(got.error()));
  if (got->status == 401 || got->status == 403)
    co_return fail(Reason::auth_unavailable, "the introspection endpoint does not accept this gateway's credentials");
  if (got->status != 200) co_return fail(Reason::auth_unavailable, "the introspection endpoint failed");
  co_return read_introspection(got->body);
}

io::Task<Result<Introspection>> Introspector::ask(const IntrospectionSettings& settings, upstream::Upstream& upstream,
                                                  http::BufferPool& buffers, std::string_view token,
                                                  const crypto::Digest& key, std::int64_t wall) {
  if (const auto flight = flights_.find(key); flight != flights_.end()) {
    ++counts_.joined;
    Waiter waiter;
    flight->second->push_back(&waiter);
    co_await waiter.gate.pass();
    co_return *waiter.outcome;
  }
  io::Loop& loop = upstream.loop();
  counts_.endpoint = settings.endpoint.authority + settings.endpoint.target;
  breaker_settings_ = settings.breaker;
  ++counts_.refused;
  if (flights_.size() >= kMostFlights)
    co_return fail(Reason::auth_unavailable, "too many tokens are being asked about");
  if (!breaker_.permit(settings.breaker, loop.now()))
    co_return fail(Reason::auth_unavailable, "the introspection endpoint has failed too often");
  --counts_.refused;
  ++counts_.asked;
  Waiters waiters;
  flights_.emplace(key, &waiters);
  const Result<Introspection> outcome = co_await call(settings, upstream, buffers, token);
  flights_.erase(key);
  const io::TimePoint now = loop.now();
  if (outcome) {
    breaker_.succeeded();
    keep(settings, key, *outcome, now, wall);
  } else {
    ++counts_.failures;
    breaker_.failed(settings.breaker, now);
  }
  // Each runs on at once and reads the outcome before it waits again, while this frame lives.
  for (Waiter* waiter : waiters) {
    waiter->outcome = &outcome;
    waiter->gate.open();
  }
  co_return outcome;
}

}  // namespace weir::filters
