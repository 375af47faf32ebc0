// Filter rewrite: what the upstream sees of the path, the query and the host. Match, policy and log keep the path the
// client asked for. A path that comes out other than canonical is refused: no value of a request can climb out of, or
// add a segment to, the path written here. Exchange's thread.
#include "filters/config/config.h"
#include "filters/transformation/specs.h"
#include "http/message/query.h"
#include "http/message/uri.h"

namespace weir::filters {
namespace {

using pipeline::Escape;
using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Template;
using pipeline::Variable;
using pipeline::Verdict;

// Parameters one filter sets: their values wait on the stack. Nobody has been seen to want more than four.
constexpr std::size_t kMostParameters = 16;

bool is_canonical(std::string_view path) {
  std::string scratch;
  const auto canonical = http::canonicalize(path, {.allow_encoded_slash = true}, scratch);
  return canonical && canonical->form == http::TargetForm::origin && !canonical->has_query && canonical->path == path;
}

bool is_prefix(std::string_view text, std::string& why) {
  why =
      "it begins with \"/\", does not end with one, and is written as Weir writes paths: no \"//\", no \"..\", "
      "nothing encoded that need not be";
  return text.size() > 1 && text.front() == '/' && text.back() != '/' && is_canonical(text);
}

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("strip_prefix", schema::string().named("path prefix").format(is_prefix))
          .doc("Taken off the front of the path, whole segments only; a path without it stays as it is."),
      schema::field("add_prefix", schema::string().named("path prefix").format(is_prefix))
          .doc("Put before the path, after strip_prefix."),
      schema::field("path", schema::string().min_length(1))
          .doc("The whole new path, a template: \"/v2/orders/${path.id}\". Instead of the prefixes."),
      schema::field("host", schema::string().min_length(1))
          .doc("The Host the upstream sees, a template; also with a port."),
      schema::field("query",
                    schema::object({
                        schema::field("remove", schema::array(schema::string().min_length(1)))
                            .doc("Parameters that go, by their decoded names."),
                        schema::field("set", schema::map(schema::string()).max_items(kMostParameters))
                            .doc("Parameters that replace any of their name, at the end of the query. Values are "
                                 "templates and come out percent-encoded."),
                    }))
          .doc("Changes of the query; all else in it passes as the client sent it."),
  });
  return kSchema;
}

struct Parts {
  struct Set {
    std::string name;     // decoded, to compare
    std::string encoded;  // with its "="
    Template value;
  };
  std::string strip_prefix;
  std::string add_prefix;
  Template path;
  Template host;
  std::vector<std::string> remove;
  std::vector<Set> set;
};

class Rewrite final : public pipeline::Filter {
 public:
  explicit Rewrite(Parts parts) : parts_(std::move(parts)) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }
  std::vector<std::string_view> captures_used() const override {
    std::vector<std::string_view> out;
    parts_.path.captures_used(out);
    parts_.host.captures_used(out);
    for (const Parts::Set& one : parts_.set) one.value.captures_used(out);
    return out;
  }

  Verdict on_request(Exchange& exchange) const override {
    if (exchange.path != "*") {  // OPTIONS *: about the server, not about a path of it
      if (const Error* error = rewrite_path(exchange)) return Verdict::refuse(error->reason, error->detail);
      if (!parts_.remove.empty() || !parts_.set.empty()) rewrite_query(exchange);
    }
    if (!parts_.host.empty()) {
      const std::string_view host = parts_.host.render(exchange);
      std::string scratch;
      const auto authority = http::parse_authority(host, scratch);
      if (!authority || authority->host.empty()) {
        return Verdict::refuse(Reason::bad_request, "the rewritten host is not a host");
      }
      exchange.upstream_host = host;
    }
    return Verdict::next();
  }

 private:
  // nullptr: done.
  const Error* rewrite_path(Exchange& exchange) const {
    static constexpr Error kNotCanonical{Reason::bad_path, "the rewritten path is not canonical"};
    if (!parts_.path.empty()) {
      const std::string_view path = parts_.path.render(exchange, Template::Place::location);
      if (!parts_.path.constant() && !safe(path, exchange)) return &kNotCanonical;
      exchange.upstream_path = path;
      return nullptr;
    }
    std::string_view path = exchange.upstream_path;
    const std::string& strip = parts_.strip_prefix;
    if (!strip.empty() && path.starts_with(strip) && (path.size() == strip.size() || path[strip.size()] == '/')) {
      path.remove_prefix(strip.size());
      if (path.empty()) path = "/";
    }
    if (!parts_.add_prefix.empty()) path = exchange.arena.concat({parts_.add_prefix, path});
    exchange.upstream_path = path;
    return nullptr;
  }

  // A "/" that a value of the request brings along is encoded by then; it may stand only where the route admits such
  // paths, and then the canonical path of the request has it too.
  static bool safe(std::string_view path, const Exchange& exchange) {
    const auto has_encoded_slash = [](std::string_view text) { return text.contains("%2F") || text.contains("%5C"); };
    return is_canonical(path) && (!has_encoded_slash(path) || has_encoded_slash(exchange.path));
  }

  bool replaced(std::string_view name) const noexcept {
    const auto is = [&](std::string_view one) { return http::names_parameter(name, one, http::Case::exact); };
    return std::ranges::any_of(parts_.remove, is) ||
           std::ranges::any_of(parts_.set, [&](const Parts::Set& one) { return is(one.name); });
  }

  // What stays is copied as received, then the new parameters follow.
  void rewrite_query(Exchange& exchange) const {
    std::string_view values[kMostParameters];
    std::size_t room = exchange.upstream_query.size();
    for (std::size_t i = 0; i < parts_.set.size(); ++i) {
      values[i] = parts_.set[i].value.render(exchange, Template::Place::query);
      room += parts_.set[i].encoded.size() + values[i].size() + 1;
    }
    char* const begin = exchange.arena.allocate(room);
    char* end = begin;
    const auto add = [&](std::string_view text) { end = write_escaped(end, text, Escape::none); };
    for (std::string_view rest = exchange.upstream_query; !rest.empty();) {
      const http::Parameter parameter = http::take_parameter(rest);
      if (replaced(parameter.name)) continue;
      if (end != begin) *end++ = '&';
      add(parameter.whole);
    }
    for (std::size_t i = 0; i < parts_.set.size(); ++i) {
      if (end != begin) *end++ = '&';
      add(parts_.set[i].encoded);
      add(values[i]);
    }
    exchange.upstream_query = {begin, static_cast<std::size_t>(end - begin)};
    exchange.upstream_has_query = end != begin;
  }

  Parts parts_;
};

std::string encode(std::string_view name) {
  std::string out(name.size() * growth(Escape::component), '\0');
  out.resize(static_cast<std::size_t>(write_escaped(out.data(), name, Escape::component) - out.data()));
  return out;
}

void read_path(const Fields& fields, Parts& out, Problems& problems) {
  out.strip_prefix = fields.string("strip_prefix");
  out.add_prefix = fields.string("add_prefix");
  if (!fields.has("path")) return;
  if (!out.strip_prefix.empty() || !out.add_prefix.empty()) {
    problems.push_back(fields.problem("path", "replaces the whole path: it cannot stand beside a prefix"));
  }
  out.path = read_template(*fields.find("path"), "path", {}, problems);
  if (out.path.empty()) return;  // told already
  if (out.path.uses(Variable::query)) {
    problems.push_back(fields.problem("path", "\"${query}\" is no part of a path", "the query passes by itself"));
  } else if (!is_canonical(out.path.sample())) {
    problems.push_back(fields.problem("path", "does not make a path as Weir writes them",
                                      "it begins with \"/\" and has no \"//\", no dot segments and no \"?\""));
  }
}

void read_host(const Fields& fields, Parts& out, Problems& problems) {
  if (!fields.has("host")) return;
  out.host = read_template(*fields.find("host"), "host", {}, problems);
  if (out.host.empty()) return;
  std::string scratch;
  if (!http::parse_authority(out.host.sample(), scratch)) {
    problems.push_back(
        fields.problem("host", "does not make a host", "a name or an address, with or without \":port\""));
  }
}

void read_query(const Fields& query, Parts& out, Problems& problems) {
  out.remove = query.strings("remove");
  for (const Json::Member& one : query.members("set")) {
    const std::string path = member_path(query.path("set"), one.name);
    Template value = read_template(one.value, path, {}, problems);
    if (value.uses(Variable::query)) {
      problems.push_back({one.value.position, path, "\"${query}\" is no value of a parameter", {}});
    }
    out.set.push_back({one.name, encode(one.name) + "=", std::move(value)});
  }
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  Problems problems;
  Parts parts;
  read_path(fields, parts, problems);
  read_host(fields, parts, problems);
  read_query(fields.object("query"), parts, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  if (parts.strip_prefix.empty() && parts.add_prefix.empty() && parts.path.empty() && parts.host.empty() &&
      parts.remove.empty() && parts.set.empty()) {
    return std::unexpected(Problems{
        {config.position, {}, "rewrites nothing", "known fields: strip_prefix, add_prefix, path, host, query"}});
  }
  return std::make_unique<Rewrite>(std::move(parts));
}

}  // namespace

pipeline::FilterSpec rewrite_spec() {
  return {"rewrite", pipeline::Phase::transformation, "Changes the path, query and host the upstream sees.",
          schema_of, make};
}

}  // namespace weir::filters
