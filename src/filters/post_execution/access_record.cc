// Writing the access log's record (access_record.h): the hot path of every request, so by hand and in one pass. Names
// and order are the documented format; docs/filters/access_log.md lists them.
#include "filters/post_execution/access_record.h"

#include <algorithm>

#include "base/json/json.h"
#include "filters/post_execution/timestamp.h"
#include "http/message/query.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;

// What a client can make as long as the whole head is cut here: a log is read by people, and storage is not the
// client's to spend.
constexpr std::size_t kLongestText = 1024;

// What identity providers, clouds and maps commonly put secrets under in URLs. Lower case.
constexpr std::string_view kSecrets[] = {"access_token", "api_key", "apikey", "code",      "key",
                                         "password",     "secret",  "sig",    "signature", "token"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

// Members are written with their comma and name in one piece: `,"status":`. Those without a value are left out.
template <std::size_t N>
void number(RecordLine& out, const char (&key)[N], std::uint64_t value) {
  out.literal(key);
  out.number(value);
}

// A value that never needs an escape: made by us, or restricted by the parser.
template <std::size_t N>
void plain(RecordLine& out, const char (&key)[N], std::string_view value) {
  if (value.empty()) return;
  out.literal(key);
  out.literal("\"");
  out.bytes(value);
  out.literal("\"");
}

template <std::size_t N>
void text(RecordLine& out, const char (&key)[N], std::string_view value) {
  if (value.empty()) return;
  out.literal(key);
  out.json(value.substr(0, kLongestText));
}

void ip(RecordLine& out, const IpAddress& address) {
  char text[IpAddress::kLongestText];
  out.bytes({text, address.write(text)});
}

template <std::size_t N>
void address(RecordLine& out, const char (&key)[N], const SocketAddress& socket) {
  if (socket.is_unix()) return text(out, key, socket.path().empty() ? std::string_view("unix") : socket.path());
  out.literal(key);
  const bool brackets = !socket.ip().is_v4();
  out.bytes(brackets ? "\"[" : "\"");
  ip(out, socket.ip());
  out.bytes(brackets ? "]:" : ":");
  out.number(socket.port());
  out.literal("\"");
}

template <std::size_t N>
void duration(RecordLine& out, const char (&key)[N], io::TimePoint from, io::TimePoint to) {
  if (from == io::TimePoint{} || to < from) return;
  number(out, key,
         static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count()));
}

bool is_secret(std::string_view name, const RecordFormat& format) noexcept {
  const auto is = [&](std::string_view one) { return http::names_parameter(name, one, http::Case::ignored); };
  return std::ranges::any_of(kSecrets, is) || std::ranges::any_of(format.more_secrets, is);
}

void query(RecordLine& out, std::string_view received, const RecordFormat& format) {
  std::string_view shown = received;
  thread_local std::string hidden;  // Why: as `line` in access_log.cc; used only where something is hidden
  hidden.clear();
  bool hiding = false;
  for (std::string_view rest = received; !rest.empty();) {
    const char* const begin = rest.data();
    const http::Parameter parameter = http::take_parameter(rest);
    const bool hide =
        !parameter.value.empty() && (format.query == QueryLog::redact || is_secret(parameter.name, format));
    if (hide && !hiding) {
      hidden.assign(received.data(), begin);
      hiding = true;
    }
    if (!hiding) continue;
    if (hide) {
      hidden.append(parameter.name).append("=REDACTED");
    } else {
      hidden.append(parameter.whole);
    }
    if (!rest.empty()) hidden.append(1, '&');
  }
  if (hiding) shown = hidden;
  out.literal(",\"query\":");
  out.json(shown.substr(0, kLongestText));
}

template <std::size_t N>
void headers(RecordLine& out, const char (&key)[N], const std::vector<RecordFormat::Header>& wanted,
             const http::Fields& fields) {
  bool any = false;
  for (const RecordFormat::Header& one : wanted) {
    const http::Field* field = one.field.find(fields);
    if (field == nullptr) continue;
    if (any) {
      out.literal(",");
    } else {
      out.literal(key);
    }
    out.bytes(one.key);
    out.json(field->value.substr(0, kLongestText));
    any = true;
  }
  if (any) out.literal("}");
}

void append_request(RecordLine& out, const Exchange& exchange, const RecordFormat& format) {
  out.literal("{\"ts\":\"");
  out.bytes(timestamp(exchange.wall_started_us));
  out.literal("\"");
  plain(out, ",\"request_id\":", exchange.request_id);
  number(out, ",\"revision\":", exchange.lease.revision);
  out.literal(",\"client\":\"");
  ip(out, exchange.client);
  out.literal("\"");
  if (exchange.peer != nullptr) address(out, ",\"peer\":", *exchange.peer);
  plain(out, ",\"tls\":", exchange.tls_version);
  text(out, ",\"host\":", exchange.host);
  text(out, ",\"method\":", exchange.request.method_text);
  // A target that has no canonical form is here as received: its query, which may hold secrets, is not.
  text(out, ",\"path\":", exchange.path.substr(0, exchange.path.find('?')));
  if (exchange.has_query && format.query != QueryLog::drop) query(out, exchange.query, format);
  if (exchange.request.method_text.empty()) return;  // no request line was understood
  plain(out, ",\"version\":", exchange.request.version == http::Version::http11 ? "1.1" : "1.0");
}

void append_outcome(RecordLine& out, const Exchange& exchange) {
  const ReasonInfo& about = info(exchange.reason);
  const int status = exchange.writer.begun() ? exchange.writer.status() : about.status;
  number(out, ",\"status\":", static_cast<std::uint64_t>(status));
  plain(out, ",\"reason\":", about.word);
  text(out, ",\"detail\":", exchange.detail);
  if (exchange.route != nullptr) text(out, ",\"route\":", exchange.route->id);
  plain(out, ",\"limit\":", exchange.limited.refused_by());
  if (exchange.limited.degraded()) out.literal(",\"degraded\":true");
  if (exchange.upstream_name.empty()) return;
  text(out, ",\"upstream\":", exchange.upstream_name);
  text(out, ",\"upstream_address\":", exchange.upstream_address);
  if (exchange.upstream_status != 0) {
    number(out, ",\"upstream_status\":", static_cast<std::uint64_t>(exchange.upstream_status));
  }
  number(out, ",\"attempts\":", exchange.upstream_attempts);
  if (exchange.canary) out.literal(",\"canary\":true");
  if (exchange.upstream_reused) out.literal(",\"reused\":true");
}

}  // namespace

void RecordFormat::add_secret(std::string_view parameter) { more_secrets.push_back(lower(parameter)); }

std::string json_key(std::string_view name) {
  std::string out;
  append_json_string(out, lower(name));
  return out + ":";
}

void append_record(RecordLine& out, const Exchange& exchange, const RecordFormat& format) {
  append_request(out, exchange, format);
  append_outcome(out, exchange);
  number(out, ",\"bytes_in\":", exchange.body.received() + exchange.tunnel_in);
  number(out, ",\"bytes_out\":", exchange.writer.body_bytes() + exchange.tunnel_out);
  duration(out, ",\"duration_us\":", exchange.started, exchange.ended);
  if (exchange.upstream_first_byte != io::TimePoint{}) {
    duration(out, ",\"upstream_us\":", exchange.upstream_started, exchange.upstream_first_byte);
  }
  const pipeline::Identity& caller = exchange.auth.identity;
  text(out, ",\"consumer\":", caller.consumer);
  plain(out, ",\"credential_kind\":", pipeline::text(caller.kind));
  text(out, ",\"credential\":", caller.credential);
  plain(out, ",\"trace_id\":", exchange.trace_id);
  text(out, ",\"user_agent\":", exchange.request.fields.value(http::FieldName::user_agent));
  const std::string_view referer = exchange.request.fields.value(http::FieldName::referer);
  text(out, ",\"referer\":", referer.substr(0, referer.find_first_of("?#")));  // its query may hold secrets
  headers(out, ",\"request_headers\":{", format.request_headers, exchange.request.fields);
  headers(out, ",\"response_headers\":{", format.response_headers, exchange.response.fields);
  out.literal("}");
}

}  // namespace weir::filters
