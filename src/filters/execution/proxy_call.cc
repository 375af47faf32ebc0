#include "filters/execution/proxy_call.h"

#include "http/message/forwarding.h"
#include "http/tunnel.h"
#include "pipeline/respond.h"

namespace weir::filters {
namespace {

// A client that leaves is of interest only to requests that wait; most are answered sooner than this, and for them
// its connection is not registered with the kernel at all.
constexpr auto kUnwatched = std::chrono::milliseconds(50);
// How long the upstream may take to say 100 Continue before the body goes anyway (RFC 9110 §10.1.1 asks not to wait
// for ever; curl waits as long).
constexpr auto kContinueWait = std::chrono::seconds(1);
// More interim responses than this are an attack on whoever reads them, not information (attacks A17).
constexpr int kMostInterim = 16;

// Whether `agreed` is one of the protocols of the list `wanted` (RFC 9110 §7.8), and one that may be tunnelled.
bool offered(std::string_view wanted, std::string_view agreed) noexcept {
  if (agreed.empty() || http::equal_ignoring_case(agreed, "h2c")) return false;
  while (!wanted.empty()) {
    std::size_t comma = std::min(wanted.find(','), wanted.size());
    std::string_view one = wanted.substr(0, comma);
    wanted.remove_prefix(std::min(comma + 1, wanted.size()));
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (http::equal_ignoring_case(one, agreed)) return true;
  }
  return false;
}

constexpr bool written_apart(http::FieldName id) noexcept {
  using enum http::FieldName;
  return id == host || id == content_length || id == transfer_encoding || id == connection;
}

}  // namespace

ProxyCall::ProxyCall(pipeline::Exchange& exchange, upstream::Upstream& upstream, const pipeline::Destination& to,
                     std::unique_ptr<upstream::Connection> connection, Replay& replay)
    : exchange_(exchange),
      upstream_(upstream),
      to_(to),
      connection_(std::move(connection)),
      replay_(replay),
      wire_(connection_->stream(), *exchange.lease.buffers),
      reused_(connection_->reused()) {}

bool ProxyCall::may_repeat() const noexcept { return repeatable_; }

// ---- the request

void ProxyCall::write_head() {
  const http::RequestHead& request = exchange_.request;
  http::Gather& out = wire_.out();
  out.text(request.method_text);
  out.text(" ");
  if (exchange_.upstream_path != "*") out.text(to_.path_prefix);
  out.text(exchange_.upstream_path);
  if (exchange_.upstream_has_query) {
    out.text("?");
    out.text(exchange_.upstream_query);
  }
  out.text(" HTTP/1.1\r\n");
  std::string_view host = !exchange_.upstream_host.empty() ? exchange_.upstream_host
                          : exchange_.route->preserve_host ? request.host
                                                           : std::string_view(to_.authority);
  out.field("Host", host);
  for (const http::Field& field : request.fields)
    if (!written_apart(field.id)) out.field(field.name, field.value);
  if (request.upgrade) out.text("Connection: upgrade\r\n");
  if (request.framing == http::Framing::chunked) {
    chunked_ = true;
    out.text("Transfer-Encoding: chunked\r\n");
  } else if (request.framing == http::Framing::length) {
    out.text("Content-Length: ");
    out.number(request.content_length);
    out.text("\r\n");
  }
  out.text("\r\n");
}

// True: the whole body went along with the head.
Result<bool> ProxyCall::add_body_at_hand() {
  http::Body& body = exchange_.body;
  if (exchange_.request.framing == http::Framing::none) return true;
  if (replay_.taken) {
    wire_.out().body(replay_.body);
    return replay_.whole;
  }
  // Only a body of known length is kept for another attempt: a view of its bytes is all that takes.
  if (chunked_ || exchange_.request.expect_continue) return false;
  auto piece = body.take();
  if (!piece) return std::unexpected(piece.error());
  replay_ = {true, piece->end, piece->data};
  wire_.out().body(piece->data);
  return piece->end;
}

io::Task<void> ProxyCall::upload() {
  co_await send_body();
  uploaded_at_ = exchange_.loop.now();
  if (uploading_ended_ || exchange_.writer.begun()) co_return;
  // From now on the response's head is awaited with a deadline: who waits for it is to know.
  woken_ = true;
  wire_.stream().handle().cancel_reader();
}

io::Task<void> ProxyCall::send_body() {
  http::Body& body = exchange_.body;
  http::Gather& out = wire_.out();
  auto stall = upstream_.spec().idle_timeout;
  auto fail_with = [this](Error error) {
    upload_error_ = error;
    wire_.stream().abort();  // wakes whoever waits for the response
  };
  if (exchange_.request.expect_continue && !co_await continue_.pass()) co_return;
  for (;;) {
    auto piece = body.take();
    if (!piece) co_return fail_with(piece.error());
    if (!piece->data.empty()) {
      if (chunked_) out.chunk_size(piece->data.size());
      out.body(piece->data);
      if (chunked_) out.text("\r\n");
    }
    if (piece->end && chunked_) out.text("0\r\n\r\n");
    bool dry = piece->data.empty() && !piece->end;
    if ((piece->end || dry || out.full()) && !out.empty()) {
      // An upstream that answers early and closes is no fault of the body's: its answer tells.
      if (auto sent = co_await wire_.flush(stall); !sent) {
        bool stalled = sent.error().reason == Reason::upstream_idle_timeout;
        if (stalled && !exchange_.writer.begun() && !uploading_ended_) fail_with(sent.error());
        co_return;
      }
    }
    if (piece->end) {
      uploaded_ = true;
      co_return;
    }
    if (dry) {
      auto more = co_await body.fill(std::min(exchange_.wire.body_deadline(), exchange_.deadline));
      if (!more) {
        if (exchange_.wire.writer.stream().handle().aborted() || uploading_ended_) co_return;
        co_return fail_with(more.error());
      }
    }
  }
}

// ---- the response

io::TimePoint ProxyCall::head_deadline() const noexcept {
  return std::min(exchange_.deadline,
                  std::max(uploaded_at_, exchange_.upstream_started) + upstream_.spec().first_byte_timeout);
}

void ProxyCall::client_gone(void* context, bool reset) {
  auto& self = *static_cast<ProxyCall*>(context);
  // Half-closing is a client's right while it waits for its answer; of an event stream there is no end to wait for.
  if (!reset && !self.event_stream_) return;
  self.client_gone_ = true;
  self.wire_.stream().abort();
}

void ProxyCall::watch_client() noexcept { exchange_.writer.stream().handle().watch(); }

Error ProxyCall::failure(Error error) const noexcept {
  if (upload_error_) return *upload_error_;
  if (client_gone_) return {Reason::client_closed, "before the response"};
  if (exchange_.loop.now() >= exchange_.deadline) return {Reason::upstream_timeout, "the route's timeout has passed"};
  return error;
}

io::Task<Result<void>> ProxyCall::read_final_head() {
  http::ResponseHead& head = wire_.head();
  bool watched = false;
  io::Handle& client = exchange_.writer.stream().handle();
  client.on_hangup(&ProxyCall::client_gone, this);
  if (client.hung_up()) client_gone(this, true);  // it left before anybody asked to be told
  bool body_promised = exchange_.request.expect_continue && !uploaded_;
  io::TimePoint begun = exchange_.loop.now();
  for (int interim = 0;;) {
    io::TimePoint due = uploading_.running() ? exchange_.deadline : head_deadline();
    io::TimePoint until = due;
    if (!watched) until = std::min(until, begun + kUnwatched);
    if (body_promised && !continue_.settled()) until = std::min(until, begun + kContinueWait);
    woken_ = false;
    auto got = co_await wire_.read_head(exchange_.request.method, until);
    if (!got) {
      if (woken_ && got.error().reason == Reason::upstream_closed && !upload_error_) continue;
      if (got.error().reason != Reason::upstream_first_byte_timeout || upload_error_) co_return got;
      if (!watched) {
        watched = true;
        watch_client();
      }
      io::TimePoint now = exchange_.loop.now();
      if (body_promised && !continue_.settled() && now >= begun + kContinueWait) {
        if (auto said = co_await exchange_.writer.inform(100, {}); !said) co_return said;
        continue_.open();
      }
      // While the body is on its way its own deadlines hold; the answer's begins when it is out.
      if (!uploading_.running() && now >= head_deadline()) co_return got;
      if (now >= exchange_.deadline) co_return got;
      continue;
    }
    if (head.status >= 200 || head.status == 101) co_return Result<void>{};
    if (++interim > kMostInterim) co_return fail(Reason::upstream_protocol_error, "too many interim responses");
    http::strip_response(head);
    bool wanted = head.status != 100 || (body_promised && !continue_.settled());
    if (wanted)
      if (auto said = co_await exchange_.writer.inform(head.status, head.fields); !said) co_return said;
    if (head.status == 100) continue_.open();
  }
}

io::Task<Result<void>> ProxyCall::relay() {
  http::ResponseHead& head = wire_.head();
  exchange_.upstream_first_byte = io::Clock::now();
  exchange_.upstream_status = head.status;
  if (head.status == 101) co_return co_await switch_protocols();
  // Bytes that a refused upgrade was followed by may be meant for the other protocol; they are not read as requests.
  if (exchange_.request.upgrade && !exchange_.body.rest().empty()) exchange_.writer.close_after();
  co_return co_await relay_body();
}

io::Task<Result<void>> ProxyCall::relay_body() {
  http::ResponseHead& head = wire_.head();
  http::ResponseWriter& writer = exchange_.writer;
  http::Body& body = wire_.start_body(std::numeric_limits<std::uint64_t>::max());
  auto piece = body.take();
  if (!piece) co_return std::unexpected(piece.error());
  // More than was announced: two parsers may disagree about whose bytes they are.
  if (piece->end && !body.rest().empty())
    co_return fail(Reason::upstream_protocol_error, "bytes behind the end of the response");

  bool keep = head.keep_alive && head.framing != http::Framing::until_close && !exchange_.request.upgrade;
  event_stream_ = head.fields.value(http::FieldName::content_type).starts_with("text/event-stream");
  // An answer that came without waiting for the body: what is left of it will not be read, and the connection ends.
  bool held_back = exchange_.request.expect_continue && !continue_.settled();
  if (!uploaded_ && (piece->end || held_back)) writer.close_after();
  std::swap(exchange_.response, head);
  http::strip_response(exchange_.response);
  pipeline::begin_response(exchange_);
  for (;;) {
    writer.add(piece->data);
    if (piece->end) break;
    bool dry = piece->data.empty();
    if (dry || writer.full()) {
      if (writer.pending())
        if (auto sent = co_await writer.flush(); !sent) co_return sent;
    }
    if (dry) {
      io::TimePoint until = std::min(exchange_.deadline, exchange_.loop.now() + upstream_.spec().idle_timeout);
      watch_client();
      if (event_stream_ && writer.stream().handle().peer_closed()) co_return fail(Reason::client_closed);
      if (auto more = co_await body.fill(until); !more) co_return more;
    }
    piece = body.take();
    if (!piece) {
      // What was good so far goes out before the connection is broken off.
      if (writer.pending())
        if (auto sent = co_await writer.flush(); !sent) co_return sent;
      co_return std::unexpected(piece.error());
    }
  }
  writer.end();
  auto sent = co_await writer.flush();
  if (keep && uploaded_ && body.rest().empty()) upstream_.release(std::move(connection_));
  co_return sent;
}

io::Task<Result<void>> ProxyCall::switch_protocols() {
  http::ResponseHead& head = wire_.head();
  auto wanted = exchange_.request.fields.value(http::FieldName::upgrade);
  auto agreed = head.fields.value(http::FieldName::upgrade);
  if (!exchange_.request.upgrade || !offered(wanted, agreed))
    co_return fail(Reason::upstream_protocol_error, "101 without a matching request to upgrade");
  std::string_view early = wire_.rest();
  std::swap(exchange_.response, head);
  http::strip_response(exchange_.response);
  exchange_.writer.stream().handle().on_hangup(nullptr, nullptr);
  pipeline::begin_response(exchange_);
  exchange_.writer.end();
  if (auto sent = co_await exchange_.writer.flush(); !sent) co_return sent;
  auto traffic = co_await http::tunnel(exchange_.writer.stream(), wire_.stream(), exchange_.body.rest(), early,
                                       *exchange_.lease.buffers, upstream_.spec().idle_timeout);
  exchange_.tunnel_in = traffic.from_client;
  exchange_.tunnel_out = traffic.to_client;
  co_return Result<void>{};
}

// ---- the whole

io::Task<void> ProxyCall::end_upload() {
  continue_.shut();
  if (uploading_.running() == 0) co_return;
  // The answer came before the request had ended: what is left of the body is not this call's business any more.
  uploading_ended_ = true;
  if (connection_) wire_.stream().abort();
  exchange_.writer.stream().handle().cancel_reader();
  co_await uploading_.join();
}

io::Task<Result<void>> ProxyCall::run() {
  write_head();
  auto whole = add_body_at_hand();
  if (!whole) co_return std::unexpected(whole.error());
  Result<void> result = co_await wire_.flush(upstream_.spec().idle_timeout);
  if (result || wire_.sent() != 0) {
    // Even if not all of the request could be sent, an answer may be waiting that says why.
    uploaded_ = *whole;
    uploaded_at_ = exchange_.loop.now();
    if (result && !uploaded_) uploading_.spawn(upload());
    auto answered = co_await read_final_head();
    result = answered ? co_await relay() : answered;
    co_await end_upload();
  }
  exchange_.writer.stream().handle().on_hangup(nullptr, nullptr);
  if (exchange_.writer.begun()) exchange_.upstream_head = wire_.take_buffer();
  if (result) co_return result;
  bool replayable = exchange_.request.framing == http::Framing::none || (replay_.taken && replay_.whole);
  repeatable_ = reused_ && result.error().reason == Reason::upstream_closed && !wire_.answered() && !client_gone_ &&
                !upload_error_ && replayable && !exchange_.writer.begun() &&
                (wire_.sent() == 0 || http::idempotent(exchange_.request.method));
  if (repeatable_) co_return result;
  co_return std::unexpected(failure(result.error()));
}

}  // namespace weir::filters
