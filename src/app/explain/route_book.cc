#include "app/explain/route_book.h"

#include <fmt/format.h>

#include <tuple>

#include "snapshot/schema/document_schema.h"

namespace weir::explain {
namespace {

using snapshot::ChainLink;
using snapshot::PatternSegment;
using snapshot::RouteKey;

// Exact, then wildcards by length, then every host. Of several hosts the strongest counts.
int host_rank(const RouteKey& key) {
  if (key.hosts.empty()) return 1'000;
  int best = 999;
  for (const std::string& host : key.hosts) {
    const int labels = static_cast<int>(std::ranges::count(host, '.'));
    best = std::min(best, host.starts_with("*.") ? 999 - labels : 0);
  }
  return best;
}

// Segments as bytes that sort as the router tries them: an end before "**", a literal before "*" before "**".
std::string pattern_rank(const RouteKey& key) {
  std::string out;
  const auto pattern = snapshot::parse_path_pattern(key.path_pattern);
  for (const PatternSegment& segment : pattern->segments) {
    switch (segment.kind) {
      case PatternSegment::Kind::literal:
        out += '\1' + segment.text + '\0';
        break;
      case PatternSegment::Kind::one:
        out += '\2';
        break;
      case PatternSegment::Kind::rest:
        out += '\3';
        break;
    }
  }
  return out;
}

Json destination_json(const RouteBook& book, const pipeline::Destination& destination) {
  const pipeline::UpstreamSpec& upstream = book.snapshot->upstreams[destination.upstream];
  Json targets = Json::array();
  for (const pipeline::TargetSpec& target : upstream.targets) targets.push(target.address);
  return Json::object()
      .set("upstream", upstream.name)
      .set("url", url_text(book, destination, ""))
      .set("targets", std::move(targets));
}

Json strings(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push(word);
  return out;
}

}  // namespace

RouteBook make_route_book(const Json& document, std::shared_ptr<const snapshot::Snapshot> snapshot,
                          pipeline::FilterTable filters) {
  RouteBook out{std::move(snapshot), {}, {}, filters};
  const Schema schema = snapshot::document_schema(filters);
  for (const Fields& route : Fields(document, schema).objects("routes")) {
    out.keys.push_back(snapshot::plan_route(route).key);
    out.tags.push_back(route.strings("tags"));
  }
  return out;
}

std::vector<std::size_t> by_precedence(const RouteBook& book) {
  using Rank = std::tuple<int, std::string, std::size_t, int, std::string, std::size_t>;
  std::vector<Rank> ranks;
  for (std::size_t i = 0; i < book.keys.size(); ++i) {
    const RouteKey& key = book.keys[i];
    ranks.emplace_back(host_rank(key), pattern_rank(key), 1'000 - key.predicates.size(), -key.priority, key.id, i);
  }
  std::ranges::sort(ranks);
  std::vector<std::size_t> out;
  for (const Rank& rank : ranks) out.push_back(std::get<5>(rank));
  return out;
}

std::string join(const std::vector<std::string>& words, std::string_view separator, std::string_view if_empty) {
  return words.empty() ? std::string(if_empty) : fmt::format("{}", fmt::join(words, separator));
}

std::string predicates_text(const RouteKey& key) {
  std::vector<std::string> words;
  for (const snapshot::Predicate& predicate : key.predicates) words.push_back(snapshot::describe(predicate));
  return join(words, ", ", "");
}

std::string links_text(const snapshot::ChainLinks& links) {
  std::vector<std::string> words;
  for (const ChainLink& link : links) words.push_back(fmt::format("{} ({})", link.filter, text(link.origin)));
  return join(words, " > ", "none");
}

std::string url_text(const RouteBook& book, const pipeline::Destination& destination, std::string_view path) {
  const pipeline::UpstreamSpec& upstream = book.snapshot->upstreams[destination.upstream];
  return fmt::format("{}://{}{}{}", upstream.tls != nullptr ? "https" : "http", destination.authority,
                     destination.path_prefix, path);
}

double canary_percent(const pipeline::Route& route) {
  // Of 2^64.
  return route.canary_all ? 100 : static_cast<double>(route.canary_below) / 18'446'744'073'709'551'616.0 * 100;
}

std::string destination_text(const RouteBook& book, const pipeline::Route& route) {
  if (!route.proxied) return "answered by Weir";
  std::string out = url_text(book, route.stable, "");
  if (canary_percent(route) > 0) {
    out += fmt::format(", {:.6g} % to {}", canary_percent(route), url_text(book, route.canary, ""));
  }
  return out;
}

snapshot::ChainLinks links_for(const RouteBook& book, std::size_t index, std::string_view consumer) {
  if (consumer.empty() || book.snapshot->turns.empty()) return book.snapshot->route_links[index];
  pipeline::Identity caller;
  caller.kind = pipeline::CredentialKind::api_key;  // any will do
  caller.consumer = consumer;
  if (const identity::Consumer* known = book.snapshot->consumers->by_name(consumer)) caller.groups = known->groups;
  snapshot::ChainLinks out;
  for (const pipeline::Step& step : book.snapshot->turns[index]->steps_for(caller))
    out.push_back({book.filters[step.name].name, book.filters[step.name].phase, step.origin, step.filter});
  return out;
}

Json to_json(const RouteBook& book, std::size_t index, std::string_view consumer) {
  const RouteKey& key = book.keys[index];
  const pipeline::Route& route = book.snapshot->routes[index];
  Json predicates = Json::array();
  for (const snapshot::Predicate& predicate : key.predicates) predicates.push(snapshot::describe(predicate));
  Json links = Json::array();
  for (const ChainLink& link : links_for(book, index, consumer)) {
    links.push(Json::object()
                   .set("name", link.filter)
                   .set("phase", pipeline::text(link.phase))
                   .set("origin", text(link.origin)));
  }
  Json out = Json::object()
                 .set("route_id", key.id)
                 .set("hosts", strings(key.hosts))
                 .set("path_pattern", key.path_pattern)
                 .set("http_methods", strings(key.methods))
                 .set("predicates", std::move(predicates))
                 .set("priority", key.priority)
                 .set("filters", std::move(links));
  if (!book.tags[index].empty()) out.set("tags", strings(book.tags[index]));
  if (!route.proxied) return out;
  out.set("destination", destination_json(book, route.stable));
  if (canary_percent(route) == 0) return out;
  return out.set("canary", destination_json(book, route.canary).set("percent", canary_percent(route)));
}

}  // namespace weir::explain
