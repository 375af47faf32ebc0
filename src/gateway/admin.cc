#include "gateway/admin.h"

#include <fmt/format.h>

#include "http/message/date.h"

namespace weir::gateway {
namespace {

// A worker's turn takes microseconds; one that is silent this long hangs.
constexpr auto kPatience = std::chrono::seconds(2);

}  // namespace

io::Task<Admin::Answer> Admin::metrics() {
  auto measured = co_await gateway_.measure(kPatience);
  InstanceFacts facts = state_.facts;
  if (state_.refresh) state_.refresh(facts);
  auto names = directory_.counts();
  facts.names_watched = names.watched;
  facts.names_stale = names.stale;
  facts.log_dropped = gateway_.log() ? gateway_.log()->dropped() : 0;
  co_return Answer{200, "text/plain; version=0.0.4; charset=utf-8", exposition(measured.sum, facts)};
}

io::Task<Admin::Answer> Admin::live() {
  auto measured = co_await gateway_.measure(kPatience);
  if (measured.silent == 0) co_return Answer{.body = "{\"status\":\"live\"}\n"};
  co_return Answer{.status = 503,
                   .body = fmt::format("{{\"status\":\"stuck\",\"workers\":{},\"silent\":{}}}\n", gateway_.workers(),
                                       measured.silent)};
}

io::Task<Admin::Answer> Admin::answer(http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request;
  std::string_view path = request.target.substr(0, request.target.find('?'));
  if (path != "/metrics" && path != "/livez" && path != "/readyz" && path != "/startupz")
    co_return Answer{
        .status = 404,
        .body = "{\"title\":\"No such page. There are /metrics, /livez, /readyz and /startupz.\",\"status\":404}\n"};
  if (request.method != http::Method::get && request.method != http::Method::head)
    co_return Answer{.status = 405, .body = "{\"title\":\"Only GET and HEAD.\",\"status\":405}\n"};
  if (path == "/metrics") co_return co_await metrics();
  if (path == "/livez") co_return co_await live();
  bool good = state_.started && (path == "/startupz" || !state_.stopping);
  std::string_view word = !state_.started ? "starting" : state_.stopping && path == "/readyz" ? "draining" : "ready";
  co_return Answer{.status = good ? 200 : 503,
                   .body = fmt::format("{{\"status\":\"{}\",\"revision\":{}}}\n", word, state_.facts.revision)};
}

io::Task<void> Admin::handle(http::ServerExchange& exchange) {
  Answer answered;
  if (exchange.parsed) {
    answered = co_await answer(exchange);
  } else {
    const ReasonInfo& about = info(exchange.parsed.error().reason);
    answered.status = about.status;
    answered.body = fmt::format("{{\"title\":\"{}\",\"status\":{}}}\n", about.title, about.status);
  }
  http::ResponseHead head;
  head.status = answered.status;
  head.fields.append(http::FieldName::content_type, answered.type);
  head.fields.append("Cache-Control", "no-store");
  head.fields.append(http::FieldName::date, http::date_now());
  if (answered.status == 405) head.fields.append("Allow", "GET, HEAD");
  head.framing = http::Framing::length;
  head.content_length = answered.body.size();
  exchange.writer.begin(head);
  exchange.writer.add(answered.body);
  exchange.writer.end();
  (void)co_await exchange.writer.flush();
}

}  // namespace weir::gateway
