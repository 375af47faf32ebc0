// Writing the access log's record (access_record.h): the hot path of every request, so by hand and in one pass. Names
// and order are the documented format; docs/filters/access_log.md lists them.
#include "filters/access_record.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "filters/query.h"
#include "filters/timestamp.h"

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

// Members are appended with their comma and name in one piece: `,"status":`. Those without a value are left out.
void number(std::string& out, std::string_view key, std::uint64_t value) {
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(key).append(digits, static_cast<std::size_t>(end - digits));
}

// A value that never needs an escape: made by us, or restricted by the parser.
void plain(std::string& out, std::string_view key, std::string_view value) {
  if (!value.empty()) out.append(key).append(1, '"').append(value).append(1, '"');
}

void text(std::string& out, std::string_view key, std::string_view value) {
  if (!value.empty()) append_json_string(out.append(key), value.substr(0, kLongestText));
}

void address(std::string& out, std::string_view key, const SocketAddress& socket) {
  if (socket.is_unix()) return text(out, key, socket.path().empty() ? std::string_view("unix") : socket.path());
  const bool brackets = !socket.ip().is_v4();
  out.append(key).append(brackets ? "\"[" : "\"");
  socket.ip().append_to(out);
  number(out, brackets ? "]:" : ":", socket.port());
  out.append(1, '"');
}

void duration(std::string& out, std::string_view key, io::TimePoint from, io::TimePoint to) {
  if (from == io::TimePoint{} || to < from) return;
  number(out, key,
         static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count()));
}

bool is_secret(std::string_view name, const RecordFormat& format) noexcept {
  const auto is = [&](std::string_view one) { return names_parameter(name, one, Case::ignored); };
  return std::ranges::any_of(kSecrets, is) || std::ranges::any_of(format.more_secrets, is);
}

void query(std::string& out, std::string_view received, const RecordFormat& format) {
  std::string_view shown = received;
  thread_local std::string hidden;  // Why: as `line` in access_log.cc; used only where something is hidden
  hidden.clear();
  bool hiding = false;
  for (std::string_view rest = received; !rest.empty();) {
    const char* const begin = rest.data();
    const Parameter parameter = take_parameter(rest);
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
  append_json_string(out.append(",\"query\":"), shown.substr(0, kLongestText));
}

void headers(std::string& out, std::string_view key, const std::vector<RecordFormat::Header>& wanted,
             const http::Fields& fields) {
  bool any = false;
  for (const RecordFormat::Header& one : wanted) {
    const http::Field* field = one.field.find(fields);
    if (field == nullptr) continue;
    out.append(any ? std::string_view(",") : key).append(one.key);
    append_json_string(out, field->value.substr(0, kLongestText));
    any = true;
  }
  if (any) out.append(1, '}');
}

void append_request(std::string& out, const Exchange& exchange, const RecordFormat& format) {
  out.append("{\"ts\":\"");
  append_timestamp(out, exchange.wall_started_us);
  out.append(1, '"');
  plain(out, ",\"request_id\":", exchange.request_id);
  number(out, ",\"revision\":", exchange.lease.revision);
  out.append(",\"client\":\"");
  exchange.client.append_to(out);
  out.append(1, '"');
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

void append_outcome(std::string& out, const Exchange& exchange) {
  const ReasonInfo& about = info(exchange.reason);
  const int status = exchange.writer.begun() ? exchange.writer.status() : about.status;
  number(out, ",\"status\":", static_cast<std::uint64_t>(status));
  plain(out, ",\"reason\":", about.word);
  text(out, ",\"detail\":", exchange.detail);
  if (exchange.route != nullptr) text(out, ",\"route\":", exchange.route->id);
  plain(out, ",\"limit\":", exchange.limited.refused_by());
  if (exchange.limited.degraded()) out.append(",\"degraded\":true");
  if (exchange.upstream_name.empty()) return;
  text(out, ",\"upstream\":", exchange.upstream_name);
  text(out, ",\"upstream_address\":", exchange.upstream_address);
  if (exchange.upstream_status != 0) {
    number(out, ",\"upstream_status\":", static_cast<std::uint64_t>(exchange.upstream_status));
  }
  number(out, ",\"attempts\":", exchange.upstream_attempts);
  if (exchange.canary) out.append(",\"canary\":true");
  if (exchange.upstream_reused) out.append(",\"reused\":true");
}

}  // namespace

void RecordFormat::add_secret(std::string_view parameter) { more_secrets.push_back(lower(parameter)); }

std::string json_key(std::string_view name) {
  std::string out;
  append_json_string(out, lower(name));
  return out + ":";
}

void append_record(std::string& out, const Exchange& exchange, const RecordFormat& format) {
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
  out.append(1, '}');
}

}  // namespace weir::filters
