#include "control/api/server.h"

#include <fmt/format.h>

#include <chrono>

#include "base/json/utf8.h"
#include "control/api/message/problem.h"
#include "control/api/routes.h"
#include "http/message/date.h"

namespace weir::control::api {
namespace {

// Between two looks at the board while a request waits for receipts; what it adds to the second that publishing aims
// at does not show.
constexpr auto kLook = std::chrono::milliseconds(25);

// Probes and scrapes are seconds apart; a flood of them costs the database four looks a second.
constexpr auto kFresh = std::chrono::milliseconds(250);

// Probes give up after a second, by default (Kubernetes' timeoutSeconds). One of them waits as long as the store
// does, the others this long for what that one hears.
constexpr auto kPulsePatience = std::chrono::milliseconds(800);

// A body that is read before it is known who sends it: objects are hundreds of bytes, batches may be megabytes.
constexpr std::uint64_t kReadUnasked = 64 * 1024;

std::int64_t wall_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Percent-decoded; false: not percent-encoded UTF-8 without NUL.
bool decode(std::string_view text, bool plus_is_space, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  for (std::string_view rest = out; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0 || rest.front() == '\0') return false;
    rest.remove_prefix(length);
  }
  return true;
}

// Calls `take` with each part of `text` between separators; stops when it says false.
template <class F>
bool each_part(std::string_view text, char separator, F take) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!take(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

Refusal unreadable(Error error) {
  const ReasonInfo& about = weir::info(error.reason);
  return {.why = error.reason == Reason::body_too_large ? Why::too_large : Why::bad_request,
          .detail = std::string(error.detail.empty() ? about.title : error.detail),
          .status = about.status};
}

Refusal plain(Why why, std::string detail) { return {.why = why, .detail = std::move(detail)}; }

Refusal busy() {
  Refusal out = plain(Why::busy, "too many requests wait for the database");
  out.fields.emplace_back("Retry-After", "1");
  return out;
}

// The body a revision was published by gains what became of telling gateways.
void add_distribution(ApiResponse& response, const std::expected<void, std::string>& told) {
  auto body = parse_json(response.body);
  if (!body || !body->is_object()) return;
  Json distribution = Json::object();
  distribution.set("state", told ? "announced" : "delayed");
  if (!told) distribution.set("why", told.error());
  response.body = to_pretty(body->set("distribution", std::move(distribution))) + '\n';
}

}  // namespace

std::expected<ApiRequest, std::string> api_request(std::string_view method, std::string_view target) {
  ApiRequest out;
  out.method = method;
  if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  if (!target.starts_with('/')) return std::unexpected("the target must be a path");
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const bool good = each_part(path.substr(1), '/', [&](std::string_view part) {
    if (!decode(part, false, out.segments.emplace_back())) return false;
    out.path.append("/").append(out.segments.back());
    return true;
  });
  if (!good) return std::unexpected("the path is not percent-encoded UTF-8");
  if (mark == std::string_view::npos || mark + 1 == target.size()) return out;
  const bool good_query = each_part(target.substr(mark + 1), '&', [&](std::string_view part) {
    if (part.empty()) return true;
    const std::size_t equals = part.find('=');
    auto& [name, value, alone] = out.query.emplace_back();
    if (!decode(part.substr(0, equals), true, name)) return false;
    alone = equals == std::string_view::npos;
    return alone || decode(part.substr(equals + 1), true, value);
  });
  if (!good_query) return std::unexpected("the query is not percent-encoded UTF-8");
  return out;
}

io::Task<Result<std::string>> ApiServer::read_body(http::ServerExchange& exchange) {
  std::string out;
  exchange.body.limit(kLargestRequest);
  if (exchange.body.empty()) co_return out;
  if (exchange.request.expect_continue) {
    if (exchange.body.content_length() > kLargestRequest) co_return fail(Reason::body_too_large);
    if (auto sent = co_await exchange.writer.inform(100, {}); !sent) co_return std::unexpected(sent.error());
  }
  while (true) {
    auto piece = exchange.body.take();
    if (!piece) co_return std::unexpected(piece.error());
    out.append(piece->data);
    if (piece->end) co_return out;
    if (!piece->data.empty()) continue;
    auto filled = co_await exchange.body.fill(exchange.body_deadline());
    if (!filled) co_return std::unexpected(filled.error());
  }
}

io::Task<Pulse> ApiServer::pulse() {
  if (looked_ && loop_.now() - looked_at_ < kFresh) co_return pulse_;
  if (looking_) {
    const io::TimePoint end = loop_.now() + kPulsePatience;
    while (looking_ && loop_.now() < end) co_await io::sleep(loop_, kLook);
    if (!looking_) co_return pulse_;
    co_return Pulse{.error = StoreError{StoreError::Kind::unavailable, "the database does not answer"}};
  }
  looking_ = true;
  const auto found = co_await looks_.run(loop_, [this] { return api_.look(); });
  looking_ = false;
  looked_ = true;
  looked_at_ = loop_.refresh();
  pulse_ = *found;  // one at a time: there is room
  co_return pulse_;
}

io::Task<void> ApiServer::tell(ApiResponse& response) {
  const std::expected<void, std::string> told = co_await announce_(*response.published);
  add_distribution(response, told);
}

io::Task<void> ApiServer::wait_for_receipts(ApiResponse& response) {
  const StatusWait wait = *response.wait;
  const io::TimePoint end = loop_.now() + wait.timeout;
  auto status = board_.status(wait.revision, wall_ms());
  while (wait.what != StatusWait::For::nothing && !status.decided(wait.what) && loop_.now() < end && !stopping_) {
    co_await io::sleep(loop_, std::min<io::Duration>(kLook, end - loop_.now()));
    status = board_.status(wait.revision, wall_ms());
  }
  response.body = to_pretty(to_json(status)) + '\n';
}

io::Task<ApiResponse> ApiServer::answer(http::ServerExchange& exchange) {
  if (!exchange.parsed) co_return respond(unreadable(exchange.parsed.error()));
  const http::RequestHead& head = exchange.request;
  auto request = api_request(head.method_text, head.target);
  if (!request) co_return respond(plain(Why::bad_request, request.error()));
  for (const http::Field& field : head.fields) {
    auto& [name, value] = request->fields.emplace_back(field.name, field.value);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (name == "host") value = head.host;
  }
  request->from = exchange.peer.address.ip().to_string();
  request->secure = exchange.peer.secure;
  // Before the body: these take none.
  switch (Api::way(*request)) {
    case Way::loop:
      co_return api_.answer(*request);
    case Way::pulse: {
      const Pulse known = co_await pulse();
      co_return api_.answer(*request, &known);
    }
    case Way::thread:
      break;
  }
  // Strangers cannot make us hold megabytes: without a token the body stays where it is, and a large one is only read
  // for who may send it.
  if (request->field("authorization") != nullptr) {
    const bool small =
        exchange.body.empty() || (head.framing == http::Framing::length && head.content_length <= kReadUnasked);
    if (!small) {
      auto refused = co_await offload_.run(loop_, [this, &request] { return api_.refuse_early(*request); });
      if (!refused) co_return respond(busy());
      if (*refused) co_return std::move(**refused);
    }
    auto body = co_await read_body(exchange);
    if (!body) co_return respond(unreadable(body.error()));
    request->body = std::move(*body);
  }
  auto answered = co_await offload_.run(loop_, [this, &request] { return api_.answer(*request); });
  if (!answered) co_return respond(busy());
  if (answered->published) co_await tell(*answered);
  if (answered->wait) co_await wait_for_receipts(*answered);
  co_return std::move(*answered);
}

io::Task<void> ApiServer::handle(http::ServerExchange& exchange) {
  const ApiResponse answered = co_await answer(exchange);
  api_.counts().answered(answered.status);
  http::ResponseHead head;
  head.status = answered.status;
  const bool bodiless = answered.status == 204 || answered.status == 304;
  if (!bodiless) head.fields.append(http::FieldName::content_type, answered.type);
  for (const auto& [name, value] : answered.fields) head.fields.append(name, value);
  head.fields.append("Cache-Control", "no-store");
  head.fields.append("X-Content-Type-Options", "nosniff");
  head.fields.append(http::FieldName::date, http::date_now());
  head.framing = bodiless ? http::Framing::none : http::Framing::length;
  head.content_length = bodiless ? 0 : answered.body.size();
  exchange.writer.begin(head);
  if (!bodiless) exchange.writer.add(answered.body);
  exchange.writer.end();
  (void)co_await exchange.writer.flush();
}

}  // namespace weir::control::api
