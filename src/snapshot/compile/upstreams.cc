#include "snapshot/compile/upstreams.h"

#include <fmt/format.h>

#include "base/json/nearest.h"
#include "http/message/uri.h"
#include "snapshot/compile/tls.h"
#include "snapshot/document.h"
#include "snapshot/schema/document_schema.h"
#include "snapshot/schema/formats.h"

namespace weir::snapshot {
namespace {

void set_times(const Fields& fields, pipeline::UpstreamSpec& out) {
  out.connect_timeout = fields.duration("connect_timeout");
  out.first_byte_timeout = fields.duration("first_byte_timeout");
  out.idle_timeout = fields.duration("idle_timeout");
  out.keep_alive = fields.duration("keep_alive");
  out.max_idle = static_cast<std::uint32_t>(fields.integer("max_idle"));
}

// A host that can only be meant as one; everything else is more likely the name of an upstream mistyped.
bool looks_like_host(const http::Authority& authority) {
  return authority.port != 0 || authority.host.contains('.') || authority.host.starts_with('[') ||
         authority.host == "localhost";
}

}  // namespace

UpstreamBook::UpstreamBook(CompileContext& context) : context_(context) {
  for (const Fields& fields : context.document.objects("upstreams")) add_named(fields);
}

void UpstreamBook::add_named(const Fields& fields) {
  const std::string name(fields.string("name"));
  const auto [at, fresh] = named_.try_emplace(name);
  if (!fresh) {
    context_.report(fields.problem("name", fmt::format("the name \"{}\" is already taken by the upstream at line {}",
                                                       name, at->second.position.line)));
    return;
  }
  at->second.position = fields.json().position;
  pipeline::UpstreamSpec out;
  out.name = name;
  set_times(fields, out);
  add_targets(fields, out);
  if (fields.has("tls")) add_tls(fields.object("tls"), out);
  at->second.host = out.server_name;
  at->second.index = static_cast<std::uint32_t>(context_.out.upstreams.size());
  context_.out.upstreams.push_back(std::move(out));
}

void UpstreamBook::add_targets(const Fields& fields, pipeline::UpstreamSpec& out) {
  const std::vector<Fields> targets = fields.objects("targets");
  for (const Fields& target : targets) {
    pipeline::TargetSpec spec = *parse_target(target.string("address"));
    spec.weight = static_cast<std::uint32_t>(target.integer("weight"));
    const auto same = std::ranges::find_if(out.targets, [&](const pipeline::TargetSpec& other) {
      return other.host == spec.host && other.socket == spec.socket;
    });
    if (same != out.targets.end()) {
      context_.report(target.problem("address", "stands in this upstream twice", "give one of them a higher weight"));
      continue;
    }
    out.targets.push_back(std::move(spec));
  }
}

void UpstreamBook::add_tls(const Fields& tls, pipeline::UpstreamSpec& out) {
  const auto settings = client_tls(context_, tls);
  if (!settings) return;
  out.server_name = settings->settings.server_name;
  out.tls_key = settings->key;
  TlsContext& context = tls_[out.tls_key];
  if (context == nullptr) context = make_client_tls(context_, tls, *settings);
  out.tls = context;
}

std::optional<pipeline::Destination> UpstreamBook::destination(const Fields& route, std::string_view field) {
  const auto url = parse_upstream_url(route.string(field));
  if (!url) {
    context_.report(route.problem(field, url.error().message, url.error().hint));
    return std::nullopt;
  }
  return named_.contains(url->authority) ? named(route, field, *url) : inlined(route, field, *url);
}

std::expected<pipeline::Endpoint, std::string> UpstreamBook::endpoint(std::string_view url) {
  static const Schema kSchema = schema::object({schema::field("url", schema::string()).required()});
  const std::string_view query = url.substr(std::min(url.find('?'), url.size()));
  const std::string_view without_query = url.substr(0, url.size() - query.size());
  const std::size_t problems_before = context_.problems.size();
  Json json = Json::object();
  json.set("url", Json(without_query));
  const auto found = destination(Fields(json, kSchema), "url");
  if (!found) {
    // The filter reports it, at the place of its own field.
    const Problem problem = context_.problems[problems_before];
    context_.problems.resize(problems_before);
    return std::unexpected(problem.hint.empty() ? problem.message : problem.message + "; " + problem.hint);
  }
  const std::size_t host = without_query.find("://") + 3;
  const std::string_view path = without_query.substr(std::min(without_query.find('/', host), without_query.size()));
  std::string target = path.empty() ? "/" : std::string(path);
  target += query;
  return pipeline::Endpoint{found->upstream, found->authority, std::move(target)};
}

std::optional<pipeline::Destination> UpstreamBook::named(const Fields& route, std::string_view field,
                                                         const UpstreamUrl& url) {
  Named& found = named_.at(url.authority);
  found.used = true;
  const bool tls = context_.out.upstreams[found.index].tls != nullptr;
  // An upstream whose tls was refused has been reported already, and looks plain here.
  if (url.https && !tls && context_.problems.empty()) {
    context_.report(route.problem(field, fmt::format("https, but the upstream \"{}\" has no tls", url.authority),
                                  fmt::format("write http://{}, or give the upstream tls: {{}}", url.authority)));
    return std::nullopt;
  }
  if (!url.https && tls) {
    context_.report(route.problem(field, fmt::format("http, but the upstream \"{}\" has tls", url.authority),
                                  fmt::format("write https://{}", url.authority)));
    return std::nullopt;
  }
  return pipeline::Destination{.upstream = found.index,
                               .authority = found.host.empty() ? url.authority : found.host,
                               .path_prefix = url.path_prefix};
}

std::optional<pipeline::Destination> UpstreamBook::inlined(const Fields& route, std::string_view field,
                                                           const UpstreamUrl& url) {
  std::string scratch;
  const auto authority = http::parse_authority(url.authority, scratch);
  const std::string name = url.authority.substr(0, url.authority.rfind(':'));
  if (name != url.authority && named_.contains(name)) {
    context_.report(
        route.problem(field, fmt::format("must not give a port to the upstream \"{}\"", name),
                      fmt::format("its targets have their own: write {}://{}", url.https ? "https" : "http", name)));
    return std::nullopt;
  }
  if (!authority && url.authority.find_first_of(".:") != std::string::npos) {
    context_.report(
        route.problem(field, fmt::format("\"{}\" is not a host: {}", url.authority, authority.error().detail)));
    return std::nullopt;
  }
  if (!authority || !looks_like_host(*authority)) {
    report_unknown(route, field, url.authority);
    return std::nullopt;
  }
  if (is_failed_ipv4(authority->host)) {
    context_.report(
        route.problem(field, fmt::format("\"{}\" ends like an IPv4 address but is none", authority->host)));
    return std::nullopt;
  }
  const int default_port = url.https ? 443 : 80;
  const int port = authority->port != 0 ? authority->port : default_port;
  const std::string address = fmt::format("{}:{}", authority->host, port);
  const std::string origin = (url.https ? "https://" : "http://") + address;
  pipeline::Destination out;
  out.path_prefix = url.path_prefix;
  out.authority = port == default_port ? std::string(authority->host) : address;
  const auto [at, fresh] = inlined_.try_emplace(origin, static_cast<std::uint32_t>(context_.out.upstreams.size()));
  out.upstream = at->second;
  if (!fresh) return out;

  static const Schema kSchema = upstream_schema(schema::array(schema::any()));
  const Json defaults = Json::object();
  const Fields fields(defaults, kSchema);
  pipeline::UpstreamSpec spec;
  spec.name = origin;
  set_times(fields, spec);
  spec.targets.push_back(*parse_target(address));
  if (url.https) {
    const Fields tls(defaults, kSchema.field("tls")->value, route.path(field));
    add_tls(tls, spec);
  }
  context_.out.upstreams.push_back(std::move(spec));
  return out;
}

void UpstreamBook::report_unknown(const Fields& route, std::string_view field, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& [known, unused] : named_) names.push_back(known);
  std::ranges::sort(names);
  std::string hint = did_you_mean(name, names, "known upstreams");
  if (nearest(name, names).empty()) hint += std::string(hint.empty() ? "" : "; ") + "a host needs a port or a dot";
  context_.report(route.problem(field, fmt::format("no upstream is named \"{}\"", name), std::move(hint)));
}

void UpstreamBook::note_unused() {
  for (const pipeline::UpstreamSpec& spec : context_.out.upstreams) {
    const auto at = named_.find(spec.name);
    if (at == named_.end() || at->second.used) continue;
    context_.out.warnings.push_back(
        fmt::format("line {}: no route uses the upstream \"{}\"", at->second.position.line, spec.name));
  }
}

}  // namespace weir::snapshot
