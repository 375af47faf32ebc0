// limit_key.h. On the way of every limited request.
#include "filters/limits/limit_key.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "upstream/upstream.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using Kind = LimitKey::Kind;

constexpr std::string_view kHeader = "header:";

struct Word {
  std::string_view text;
  Kind kind;
};
constexpr std::array<Word, 7> kWords = {{{"consumer", Kind::consumer},
                                         {"group", Kind::group},
                                         {"service", Kind::service},
                                         {"route", Kind::route},
                                         {"credential", Kind::credential},
                                         {"ip", Kind::ip},
                                         {"constant", Kind::constant}}};

// `text` behind a byte that says what it is, or the address if there is no text.
std::string_view marked(Exchange& exchange, std::string_view mark, std::string_view text) {
  return text.empty() ? address_key(exchange) : exchange.arena.concat({mark, text});
}

std::string_view service(const Exchange& exchange) {
  if (exchange.route == nullptr || !exchange.route->proxied) return {};
  return exchange.lease.upstreams[exchange.route->stable.upstream]->spec().name;
}

}  // namespace

LimitKey::LimitKey(std::string_view text) {
  if (text.starts_with(kHeader)) {
    kind_ = Kind::header;
    header_ = field_ref(text.substr(kHeader.size()));
    return;
  }
  const auto word = std::ranges::find(kWords, text, &Word::text);
  if (word != kWords.end()) kind_ = word->kind;
}

std::span<const std::string_view> LimitKey::of(Exchange& exchange) const {
  const std::span<const std::string_view> groups = exchange.auth.identity.groups;
  if (kind_ != Kind::group || groups.size() < 2) {
    auto* out = exchange.arena.array<std::string_view>(1);
    *out = one(exchange);
    return {out, 1};
  }
  auto* out = exchange.arena.array<std::string_view>(std::min(groups.size(), kMost));
  std::size_t count = 0;
  for (std::size_t i = 0; i < groups.size() && count < kMost; ++i) {
    // A group that is named twice is charged once.
    if (std::ranges::find(groups.first(i), groups[i]) == groups.first(i).end())
      out[count++] = marked(exchange, "g", groups[i]);
  }
  return {out, count};
}

std::string_view LimitKey::one(Exchange& exchange) const {
  const pipeline::Identity& identity = exchange.auth.identity;
  switch (kind_) {
    case Kind::consumer:
      return marked(exchange, "c", identity.consumer);
    case Kind::group:
      return marked(exchange, "g", identity.groups.empty() ? std::string_view() : identity.groups.front());
    case Kind::credential:
      return marked(exchange, "k", identity.credential);
    case Kind::header:
      return marked(exchange, "h", header_.joined(exchange.request.fields, exchange.arena));
    case Kind::ip:
      return address_key(exchange);
    case Kind::service:
      return exchange.arena.concat({"s", service(exchange)});
    case Kind::route:
      return exchange.arena.concat({"r", exchange.route == nullptr ? std::string_view() : exchange.route->id});
    case Kind::constant:
      break;
  }
  return "=";
}

bool is_limit_key(std::string_view text, std::string& why) {
  if (std::ranges::find(kWords, text, &Word::text) != kWords.end()) return true;
  if (text.starts_with(kHeader)) return is_field_name(text.substr(kHeader.size()), why);
  why = "expected consumer, group, service, route, credential, ip, constant or header:NAME";
  return false;
}

bool is_limit_name(std::string_view text, std::string& why) {
  why = "a limit's name has 1 to 64 letters, digits and . _ - : /";
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-:/").contains(c);
  });
}

std::string_view address_key(Exchange& exchange, int v6_prefix) {
  const IpAddress::Bytes& bytes = exchange.client.bytes();
  char* out = exchange.arena.allocate(1 + bytes.size());
  out[0] = 'a';
  std::memcpy(out + 1, bytes.data(), bytes.size());
  if (!exchange.client.is_v4()) {
    for (int i = 0; i < static_cast<int>(bytes.size()); ++i) {
      const int kept = std::clamp(v6_prefix - 8 * i, 0, 8);
      out[1 + i] = static_cast<char>(out[1 + i] & (0xff00 >> kept));
    }
  }
  return {out, 1 + bytes.size()};
}

}  // namespace weir::filters
