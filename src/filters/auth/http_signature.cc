#include "filters/auth/http_signature.h"

#include <algorithm>
#include <charconv>

#include "crypto/base64.h"

namespace weir::filters {
namespace {

using Bad = std::unexpected<std::string_view>;

// Structured Fields (RFC 9651), as far as these two fields go. Every take_ moves `rest` behind what it took.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  bool ended() const noexcept { return rest_.empty(); }
  std::string_view rest() const noexcept { return rest_; }
  void skip_spaces() noexcept {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  bool take(char c) noexcept {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // §3.1.2: a key begins with a lower-case letter or "*".
  std::string_view take_key() noexcept {
    std::size_t size = 0;
    while (size < rest_.size() && is_key_byte(rest_[size], size == 0)) ++size;
    return take_bytes(size);
  }
  // Without an escape: a keyid or component that needs one is nobody's.
  std::optional<std::string_view> take_string() noexcept {
    if (!take('"')) return std::nullopt;
    const std::size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos || rest_[end] != '"') return std::nullopt;
    const std::string_view out = take_bytes(end);
    rest_.remove_prefix(1);
    const auto visible = [](char c) { return c >= ' ' && c <= '~'; };
    return std::ranges::all_of(out, visible) ? std::optional(out) : std::nullopt;
  }
  std::optional<std::int64_t> take_integer() noexcept {
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (error != std::errc()) return std::nullopt;
    // §3.3.1: 15 digits at most.
    if (end - rest_.data() > 16) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return out;
  }
  std::optional<std::string_view> take_byte_sequence() noexcept {
    if (!take(':')) return std::nullopt;
    const std::size_t end = rest_.find(':');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view out = take_bytes(end);
    rest_.remove_prefix(1);
    return out;
  }

 private:
  static bool is_key_byte(char c, bool first) noexcept {
    if ((c >= 'a' && c <= 'z') || c == '*') return true;
    return !first && ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
  }
  std::string_view take_bytes(std::size_t size) noexcept {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string_view rest_;
};

bool take_components(Scanner& in, HttpSignature& out) {
  if (!in.take('(')) return false;
  for (;;) {
    in.skip_spaces();
    if (in.take(')')) return true;
    const auto component = in.take_string();
    // A parameter (;sf, ;key, ;req …) would change what is signed: it is not of the part understood here.
    if (!component || component->empty() || out.count == HttpSignature::kMostComponents) return false;
    if (std::ranges::find(out.covered(), *component) != out.covered().end()) return false;  // §2: each once
    out.components[out.count++] = *component;
    if (!in.rest().starts_with(' ') && !in.rest().starts_with(')')) return false;
  }
}

bool take_parameters(Scanner& in, HttpSignature& out) {
  while (in.take(';')) {
    in.skip_spaces();
    const std::string_view name = in.take_key();
    if (name.empty() || !in.take('=')) return false;
    if (name == "created" || name == "expires") {
      auto& to = name == "created" ? out.created : out.expires;
      if (to.has_value()) return false;
      to = in.take_integer();
      if (!to) return false;
      continue;
    }
    const auto value = in.take_string();
    if (!value) return false;
    std::string_view* to = name == "keyid"   ? &out.key_id
                           : name == "alg"   ? &out.algorithm
                           : name == "nonce" ? &out.nonce
                           : name == "tag"   ? &out.tag
                                             : nullptr;
    // An unknown parameter is signed like the rest, and says nothing to us.
    if (to == nullptr) continue;
    if (to->data() != nullptr) return false;
    *to = *value;
  }
  return true;
}

// The values of a field, as one list (RFC 9110 §5.3). `scratch` holds it when there are several.
std::optional<std::string_view> one_value(const http::Fields& fields, std::string_view name, std::string& scratch) {
  std::optional<std::string_view> out;
  for (const http::Field& field : fields) {
    if (!http::equal_ignoring_case(field.name, name)) continue;
    if (!out) {
      out = field.value;
      continue;
    }
    if (scratch.empty()) scratch = *out;
    scratch.append(", ").append(field.value);
    out = scratch;
  }
  return out;
}

// The bytes of the member `label` of the Signature field.
bool find_bytes(std::string_view field, std::string_view label, std::string& out) {
  Scanner in(field);
  bool found = false;
  while (!in.ended()) {
    in.skip_spaces();
    const std::string_view key = in.take_key();
    if (key.empty() || !in.take('=')) return false;
    const auto bytes = in.take_byte_sequence();
    if (!bytes) return false;
    if (key == label) found = !found && crypto::from_base64(*bytes, out);
    in.skip_spaces();
    if (!in.ended() && !in.take(',')) return false;
  }
  return found;
}

std::string authority_of(const pipeline::Exchange& exchange) {
  std::string out(exchange.request.host);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  // §2.2.3: without the scheme's default port.
  const std::string_view port = exchange.secure ? ":443" : ":80";
  if (out.ends_with(port)) out.resize(out.size() - port.size());
  return out;
}

// What the client sent as its target, in origin form.
std::string_view origin_target(const pipeline::Exchange& exchange) noexcept {
  std::string_view target = exchange.request.target;
  const std::size_t scheme = target.starts_with('/') ? std::string_view::npos : target.find("://");
  if (scheme == std::string_view::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

// §2.2; false: there is no such component here.
bool append_derived(std::string& out, std::string_view name, const pipeline::Exchange& exchange) {
  const std::string_view target = origin_target(exchange);
  const std::size_t query = target.find('?');
  if (name == "@method") {
    out.append(exchange.request.method_text);
  } else if (name == "@authority") {
    out.append(authority_of(exchange));
  } else if (name == "@scheme") {
    out.append(exchange.secure ? "https" : "http");
  } else if (name == "@target-uri") {
    out.append(exchange.secure ? "https://" : "http://").append(authority_of(exchange)).append(target);
  } else if (name == "@request-target") {
    out.append(exchange.request.target);
  } else if (name == "@path") {
    const std::string_view path = target.substr(0, query);
    out.append(path.empty() ? "/" : path);
  } else if (name == "@query") {
    out.append(query == std::string_view::npos ? "?" : target.substr(query));
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::expected<std::optional<HttpSignature>, std::string_view> read_signature(
    const http::Fields& fields, bool (*wanted)(const void*, std::string_view), const void* context) {
  std::string scratch;
  const auto signatures = one_value(fields, "Signature", scratch);
  const http::Field* input = fields.find("Signature-Input");
  if (input == nullptr && !signatures) return std::optional<HttpSignature>();
  if (input == nullptr || !signatures) return Bad("Signature and Signature-Input come together");
  std::optional<HttpSignature> chosen;
  for (const http::Field& field : fields) {
    if (!http::equal_ignoring_case(field.name, "Signature-Input")) continue;
    Scanner in(field.value);
    while (!in.ended()) {
      in.skip_spaces();
      HttpSignature one;
      one.label = in.take_key();
      if (one.label.empty() || !in.take('=')) return Bad("Signature-Input is malformed");
      const std::string_view begin = in.rest();
      if (!take_components(in, one) || !take_parameters(in, one)) return Bad("Signature-Input is malformed");
      one.input = begin.substr(0, begin.size() - in.rest().size());
      // §2: a label is one signature's.
      if (chosen && chosen->label == one.label) return Bad("Signature-Input has a label twice");
      if (!chosen && wanted(context, one.key_id)) chosen = std::move(one);
      in.skip_spaces();
      if (!in.ended() && !in.take(',')) return Bad("Signature-Input is malformed");
    }
  }
  if (!chosen) return Bad("no signature has a known keyid");
  if (!find_bytes(*signatures, chosen->label, chosen->signature)) return Bad("Signature is malformed");
  return chosen;
}

std::expected<std::string, std::string_view> signature_base(const pipeline::Exchange& exchange,
                                                            const HttpSignature& signature) {
  std::string out;
  out.reserve(512);
  for (const std::string_view component : signature.covered()) {
    out.append("\"").append(component).append("\": ");
    if (component.starts_with('@')) {
      if (!append_derived(out, component, exchange)) return Bad("a component is signed that Weir does not know");
    } else {
      std::string scratch;
      const auto value = one_value(exchange.request.fields, component, scratch);
      if (!value) return Bad("a header is signed that is not there");
      out.append(*value);
    }
    out.append("\n");
  }
  out.append("\"@signature-params\": ").append(signature.input);
  return out;
}

}  // namespace weir::filters
