#include "upstream/fetch.h"

#include "http/message/forwarding.h"

namespace weir::upstream {
namespace {

// As the proxy's: a connection that cannot be made costs only time.
constexpr int kMostAttempts = 3;
// More interim responses than this are no information (attacks A17).
constexpr int kMostInterim = 16;

bool sendable(std::string_view text, bool spaces) noexcept {
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0' || (!spaces && c == ' ')) return false;
  }
  return true;
}

// What would break out of its line would be a request of somebody else's making.
bool sendable(const FetchRequest& request) noexcept {
  for (const http::Field& field : request.fields) {
    if (!sendable(field.name, false) || !sendable(field.value, true)) return false;
  }
  return sendable(request.method, false) && sendable(request.target, false) && sendable(request.authority, false);
}

}  // namespace

std::string_view Fetched::value(std::string_view name) const noexcept {
  for (const Field& field : fields)
    if (http::equal_ignoring_case(field.name, name)) return field.value;
  return {};
}

// One attempt on one connection. Lives in fetch()'s frame.
class FetchAttempt {
 public:
  FetchAttempt(Upstream& upstream, http::BufferPool& buffers, const FetchRequest& request,
               std::unique_ptr<Connection> connection, io::TimePoint deadline, Cancellation* cancellation)
      : upstream_(upstream),
        request_(request),
        connection_(std::move(connection)),
        wire_(connection_->stream(), buffers),
        deadline_(deadline),
        cancellation_(cancellation),
        timer_(connection_->stream()) {
    if (cancellation_ != nullptr) cancellation_->stream_ = &wire_.stream();
    // Reads have deadlines of their own; a peer that takes the request byte by byte is only bounded by this.
    wire_.stream().loop().timers().start(timer_, deadline);
  }
  FetchAttempt(const FetchAttempt&) = delete;
  FetchAttempt& operator=(const FetchAttempt&) = delete;
  ~FetchAttempt() {
    if (cancellation_ != nullptr) cancellation_->stream_ = nullptr;
  }

  io::Task<Result<Fetched>> run(std::size_t max_body) {
    write();
    const bool reused = connection_->reused();
    Result<void> sent = co_await wire_.flush(upstream_.spec().idle_timeout);
    Fetched out;
    // Even if not all could be sent, an answer may be waiting that says why.
    if (sent || wire_.sent() != 0) sent = co_await read(out, max_body);
    if (!sent && sent.error().reason == Reason::headers_too_large)
      co_return fail(Reason::internal, "the request header is too large");
    if (sent) co_return out;
    stale_ = reused && sent.error().reason == Reason::upstream_closed && !wire_.answered() &&
             (wire_.sent() == 0 || request_.repeatable);
    co_return std::unexpected(sent.error());
  }
  // After an error: the connection was a pooled one that had gone, and asking again is safe.
  bool stale() const noexcept { return stale_; }

 private:
  struct DeadlineTimer : io::Timer {
    explicit DeadlineTimer(io::Stream& over) noexcept
        : Timer([](io::Timer& timer) { static_cast<DeadlineTimer&>(timer).stream.abort(); }), stream(over) {}
    io::Stream& stream;
  };

  void write() {
    http::Gather& out = wire_.out();
    out.text(request_.method);
    out.text(" ");
    out.text(request_.target);
    out.text(" HTTP/1.1\r\n");
    out.field("Host", request_.authority);
    for (const http::Field& field : request_.fields) out.field(field.name, field.value);
    const http::Method method = http::method_of(request_.method);
    if (!request_.body.empty() || method == http::Method::post || method == http::Method::put) {
      out.text("Content-Length: ");
      out.number(request_.body.size());
      out.text("\r\n");
    }
    out.text("\r\n");
    if (!request_.body.empty()) out.body(request_.body);
  }

  io::Task<Result<void>> read(Fetched& out, std::size_t max_body) {
    http::ResponseHead& head = wire_.head();
    for (int interim = 0;; ++interim) {
      if (auto got = co_await wire_.read_head(http::method_of(request_.method), deadline_); !got) co_return got;
      if (head.status >= 200) break;
      if (head.status == 101 || interim == kMostInterim)
        co_return fail(Reason::upstream_protocol_error, "an interim response that was not asked for");
    }
    const bool keep = head.keep_alive && head.framing != http::Framing::until_close;
    http::strip_response(head);
    out.status = head.status;
    for (const http::Field& field : head.fields)
      out.fields.push_back({std::string(field.name), std::string(field.value)});
    http::Body& body = wire_.start_body(max_body);
    for (;;) {
      auto piece = body.take();
      if (!piece) co_return fail(Reason::upstream_protocol_error, too_large(piece.error()));
      out.body.append(piece->data);
      if (piece->end) break;
      if (!piece->data.empty()) continue;
      if (auto more = co_await body.fill(deadline_); !more) co_return more;
    }
    // More than was announced: two parsers may disagree about whose bytes they are.
    if (!body.rest().empty()) co_return fail(Reason::upstream_protocol_error, "bytes behind the end of the response");
    timer_.stop();
    if (cancellation_ != nullptr) cancellation_->stream_ = nullptr;
    if (keep) upstream_.release(std::move(connection_));
    co_return Result<void>{};
  }

  static std::string_view too_large(const Error& error) noexcept {
    return error.reason == Reason::body_too_large ? "the response is too large" : error.detail;
  }

  Upstream& upstream_;
  const FetchRequest& request_;
  std::unique_ptr<Connection> connection_;
  http::ClientExchange wire_;
  io::TimePoint deadline_;
  Cancellation* cancellation_;
  DeadlineTimer timer_;
  bool stale_ = false;
};

io::Task<Result<Fetched>> fetch(Upstream& upstream, http::BufferPool& buffers, const FetchRequest& request,
                                io::TimePoint deadline, std::size_t max_body, Cancellation* cancellation) {
  if (!sendable(request)) co_return fail(Reason::internal, "a request that must not be sent");
  io::Loop& loop = upstream.loop();
  const auto cancelled = [cancellation] { return cancellation != nullptr && cancellation->cancelled(); };
  bool fresh = false;
  Tried tried = 0;
  for (int attempt = 1;; ++attempt) {
    Target* target = upstream.pick(tried);
    if (target == nullptr) co_return fail(Reason::upstream_no_address, "the name has not resolved");
    auto connection = fresh ? nullptr : upstream.take_idle(*target, !request.repeatable);
    if (!connection) {
      auto opened = co_await upstream.open(*target, deadline);
      if (cancelled()) co_return fail(Reason::client_closed);
      if (!opened) {
        if (loop.now() >= deadline) co_return fail(Reason::upstream_timeout);
        if (attempt < kMostAttempts) continue;
        co_return std::unexpected(opened.error());
      }
      connection = std::move(*opened);
    }
    FetchAttempt one(upstream, buffers, request, std::move(connection), deadline, cancellation);
    auto result = co_await one.run(max_body);
    if (result) co_return result;
    if (cancelled()) co_return fail(Reason::client_closed);
    if (loop.now() >= deadline) co_return fail(Reason::upstream_timeout);
    if (!one.stale() || attempt == kMostAttempts) co_return result;
    fresh = true;  // the next pooled one might be stale too
  }
}

}  // namespace weir::upstream
