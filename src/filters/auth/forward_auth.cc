// Filter forward_auth: an outside service is shown the request's head and says whether it may pass, in the sense of
// Envoy's ext_authz over HTTP. 2xx lets it pass, with header fields the service adds for the upstream and perhaps who
// calls; 5xx, no answer or no answer in time is a failure, which is a refusal unless fail_open is set; anything else
// is the service's own answer to the client. Unlike the other auth filters it decides by itself: what it says no to
// does not go on as anonymous. Exchange's thread.
#include "filters/auth/forward_answer.h"
#include "filters/auth/specs.h"
#include "filters/config/config.h"
#include "pipeline/exchange.h"
#include "upstream/fetch.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;
using std::chrono::milliseconds;

// A client that leaves sooner than this is not worth a system call to notice (filters/execution/proxy_call.cc).
constexpr auto kUnwatched = milliseconds(50);

Schema header_names() { return schema::array(schema::string().named("header name").format(is_field_name)).unique(); }

const Schema& schema_of() {
  using namespace schema;
  static const Schema kSchema = object({
      field("uri", string().min_length(1))
          .required()
          .doc("The service to ask: http(s)://host[:port]/path, or http://NAME/path of a named upstream."),
      field("request_method", string().words({"GET", "POST"}))
          .fallback("GET")
          .doc("How it is asked; without a body."),
      field("request_headers", header_names())
          .fallback(Json(Json::Array{Json("Authorization")}))
          .doc("Fields of the client's request that the service is shown, beside X-Forwarded-Method, -Proto, -Host, "
               "-Uri and -For, which Weir writes."),
      field("upstream_headers", header_names())
          .doc(
              "Fields of the service's answer that go upstream with the request. A client's own field of such a name "
              "is always removed."),
      field("client_headers", header_names())
          .doc("Fields of the service's answer that go to the client when it refuses, beside Content-Type, Location "
               "and WWW-Authenticate."),
      field(
          "identity",
          object({
              field("consumer", string().format(is_field_name)).required().doc("The field that names the consumer."),
              field("user", string().format(is_field_name)).doc("The field that names the user."),
              field("groups", string().format(is_field_name)).doc("The field with the groups, comma-separated."),
              field("scopes", string().format(is_field_name)).doc("The field with the scopes, space-separated."),
          }))
          .doc("Fields of the service's answer that say who calls. Without it the service lets pass or not, and the "
               "caller stays whoever the other filters establish."),
      field("timeout", duration(milliseconds(5), milliseconds(60'000)))
          .fallback("200ms")
          .doc("For the whole question, connecting included."),
      field("status_on_error", integer(400, 599)).fallback(403).doc("What the client gets when the service fails."),
      field("fail_open", boolean())
          .fallback(false)
          .doc("Let requests pass when the service fails. Whoever can disturb the service then gets everywhere."),
      field("max_answer", size(0, 1024 * 1024))
          .fallback("64KiB")
          .doc("The largest body the service may answer with; a larger one is a failure."),
  });
  return kSchema;
}

struct Settings {
  pipeline::Endpoint endpoint;
  std::string method;
  std::vector<FieldRef> request_headers;
  ForwardAnswer answer;
  milliseconds timeout{0};
  int status_on_error = 0;
  bool fail_open = false;
  std::size_t max_answer = 0;
};

// Ends the question when the client has gone. In the frame of who asks.
class ClientWatch : io::Timer {
 public:
  ClientWatch(Exchange& exchange, upstream::Cancellation& asked)
      : Timer([](io::Timer& timer) { static_cast<ClientWatch&>(timer).client_.watch(); }),
        client_(exchange.writer.stream().handle()),
        asked_(asked) {
    client_.on_hangup(&ClientWatch::gone, this);
    if (client_.hung_up()) asked_.cancel();
    exchange.loop.timers().start(*this, exchange.loop.now() + kUnwatched);
  }
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;
  ~ClientWatch() { client_.on_hangup(nullptr, nullptr); }

 private:
  // Half-closing is a client's right while it waits for its answer.
  static void gone(void* self, bool reset) {
    if (reset) static_cast<ClientWatch*>(self)->asked_.cancel();
  }
  io::Handle& client_;
  upstream::Cancellation& asked_;
};

class ForwardAuth final : public pipeline::Filter {
 public:
  explicit ForwardAuth(Settings settings) : settings_(std::move(settings)) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    // Where no route leads there is nothing to allow.
    return exchange.route == nullptr ? Verdict::next() : Verdict::wait();
  }

  io::Task<Verdict> wait(Exchange& exchange) const override {
    upstream::FetchRequest question{
        .method = settings_.method, .authority = settings_.endpoint.authority, .target = settings_.endpoint.target};
    describe(exchange, question.fields);
    // Shown to the service, perhaps; never to the upstream, whatever comes of it (attacks C3, CVE-2026-31908).
    settings_.answer.strip(exchange.request.fields);
    const io::TimePoint deadline = std::min(exchange.loop.now() + settings_.timeout, exchange.deadline);
    upstream::Cancellation cancellation;
    Result<upstream::Fetched> answer = co_await ask(exchange, question, deadline, cancellation);
    if (cancellation.cancelled()) co_return Verdict::refuse(Reason::client_closed, "while the service was asked");
    if (!answer) co_return failed(exchange, why(answer.error().reason));
    if (answer->status >= 500 || answer->status == 304)
      co_return failed(exchange, "the authorization service failed");
    if (answer->status >= 200 && answer->status < 300) {
      if (!settings_.answer.accept(exchange, *answer))
        co_return failed(exchange, "the authorization service names nobody");
      co_return Verdict::next();
    }
    settings_.answer.refuse(exchange, *answer);
    co_return Verdict::answer();
  }

 private:
  io::Task<Result<upstream::Fetched>> ask(Exchange& exchange, const upstream::FetchRequest& question,
                                          io::TimePoint deadline, upstream::Cancellation& cancellation) const {
    const ClientWatch watch(exchange, cancellation);
    if (cancellation.cancelled()) co_return fail(Reason::client_closed);
    co_return co_await upstream::fetch(*exchange.lease.upstreams[settings_.endpoint.upstream],
                                       *exchange.lease.buffers, question, deadline, settings_.max_answer,
                                       &cancellation);
  }

  void describe(Exchange& exchange, http::Fields& out) const {
    for (const FieldRef& wanted : settings_.request_headers) {
      for (const http::Field& field : exchange.request.fields) {
        if (field.id == wanted.id &&
            (field.id != http::FieldName::other || http::equal_ignoring_case(field.name, wanted.name)))
          out.append(field);
      }
    }
    Arena& arena = exchange.arena;
    out.append("X-Forwarded-Method", exchange.request.method_text);
    out.append("X-Forwarded-Proto", exchange.secure ? "https" : "http");
    out.append("X-Forwarded-Host", exchange.request.host);
    // The canonical path: what is allowed is what the upstream will be asked.
    out.append("X-Forwarded-Uri",
               exchange.has_query ? arena.concat({exchange.path, "?", exchange.query}) : exchange.path);
    out.append("X-Forwarded-For", arena.copy(exchange.client.to_string()));
    if (!exchange.request_id.empty()) out.append("X-Request-Id", exchange.request_id);
    if (settings_.method == "POST") out.append("Content-Type", "application/octet-stream");
  }

  static std::string_view why(Reason reason) noexcept {
    switch (reason) {
      case Reason::upstream_timeout:
        return "the authorization service did not answer in time";
      case Reason::upstream_protocol_error:
        return "the authorization service's answer is malformed or too large";
      case Reason::upstream_closed:
        return "the authorization service broke off its answer";
      default:
        return "the authorization service cannot be reached";
    }
  }

  Verdict failed(Exchange& exchange, std::string_view reason) const {
    if (settings_.fail_open) {
      exchange.detail = reason;  // for the log: it went on without having been allowed
      return Verdict::next();
    }
    exchange.refusal_status = settings_.status_on_error;
    return Verdict::refuse(Reason::auth_unavailable, reason);
  }

  Settings settings_;
};

void read_names(const Fields& fields, std::string_view name, Side side, std::vector<FieldRef>& out,
                Problems& problems) {
  for (const std::string& header : fields.strings(name)) {
    auto refused = refused_field(header, side);
    if (refused.message.empty()) {
      out.push_back(field_ref(header));
    } else {
      problems.push_back(fields.problem(name, std::move(refused.message), std::move(refused.hint)));
    }
  }
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  Problems problems;
  Settings settings;
  auto endpoint = context.endpoint(fields.string("uri"));
  if (endpoint) {
    settings.endpoint = std::move(*endpoint);
  } else {
    problems.push_back(fields.problem("uri", std::move(endpoint.error())));
  }
  settings.method = fields.string("request_method");
  read_names(fields, "request_headers", Side::request, settings.request_headers, problems);
  for (const FieldRef& header : settings.request_headers) {
    if (header.name.size() > 12 && http::equal_ignoring_case(header.name.substr(0, 12), "X-Forwarded-"))
      problems.push_back(fields.problem("request_headers", "\"" + header.name + "\" is written by Weir"));
  }
  read_names(fields, "upstream_headers", Side::request, settings.answer.upstream_headers, problems);
  read_names(fields, "client_headers", Side::response, settings.answer.client_headers, problems);
  const Fields identity = fields.object("identity");
  settings.answer.consumer = identity.string("consumer");
  settings.answer.user = identity.string("user");
  settings.answer.groups = identity.string("groups");
  settings.answer.scopes = identity.string("scopes");
  settings.answer.consumers = context.consumers();
  settings.timeout = fields.duration("timeout");
  settings.status_on_error = static_cast<int>(fields.integer("status_on_error"));
  settings.fail_open = fields.boolean("fail_open");
  settings.max_answer = static_cast<std::size_t>(fields.size("max_answer"));
  if (!problems.empty()) return std::unexpected(std::move(problems));
  if (settings.fail_open)
    context.warn("forward_auth with fail_open: true lets every request pass while its service is down");
  return std::make_unique<ForwardAuth>(std::move(settings));
}

}  // namespace

pipeline::FilterSpec forward_auth_spec() {
  return {"forward_auth",
          pipeline::Phase::auth,
          "Asks an outside service whether the request may pass.",
          schema_of,
          make,
          0};
}

}  // namespace weir::filters
