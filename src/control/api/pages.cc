// The pages without a token: for probes, for Prometheus, for whoever wants to know what the API has. They say nothing
// of the config.
#include "control/api/handlers.h"
#include "control/api/openapi.h"

namespace weir::control::api {
namespace {

// Only tests have no look at the store behind them.
Pulse pulse_of(const Call& call) {
  if (call.pulse != nullptr) return *call.pulse;
  return look(call.means.store);
}

ApiResponse page(int status, std::string_view word) { return answer(Json::object().set("status", word), status); }

}  // namespace

Outcome<ApiResponse> openapi(Call&) {
  ApiResponse out;
  out.type = "application/yaml";  // RFC 9512
  out.body = openapi_text();
  return out;
}

// It answers, so it lives.
Outcome<ApiResponse> live(Call&) { return page(200, "live"); }

// Not ready while the store is away: a load balancer then tries another replica, if there is one that fares better.
Outcome<ApiResponse> ready(Call& call) {
  if (call.means.ready && !call.means.ready()) return page(503, "starting or ending");
  const Pulse pulse = pulse_of(call);
  if (!pulse.error) return page(200, "ready");
  return page(503, pulse.error->message);
}

Outcome<ApiResponse> metrics(Call& call) {
  ApiResponse out;
  out.type = "text/plain; version=0.0.4; charset=utf-8";
  out.body = call.counts.exposition(call.means.instances.all(call.author.at_ms), pulse_of(call).last);
  return out;
}

}  // namespace weir::control::api
