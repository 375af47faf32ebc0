// `weir explain`: which route of what is published takes a request, and why, worked out here by the code that
// gateways run (app/explain). Secrets are not needed for that, nor are the files that only gateways have: stand-ins
// take their place.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "adapters/yaml/load.h"
#include "app/explain/route_book.h"
#include "app/explain/route_match.h"
#include "app/operator/commands.h"
#include "app/operator/plan/document_form.h"
#include "app/operator/plan/plan.h"
#include "app/operator/session/rollout.h"
#include "identity/seal.h"
#include "snapshot/compile/compile.h"
#include "snapshot/document.h"
#include "snapshot/parts.h"

namespace weir::remote {
namespace {

constexpr std::string_view kMasterKey = "what stands in for secrets is sealed by this, and by nothing else";
constexpr std::array<std::string_view, 4> kLimits = {"flood_guard", "rate_limit", "quota", "concurrency_limit"};

std::string_view stand_in_secret() {
  return "a secret of 64 bytes stands in, long enough for every hash: 0123456789ab";
}

// What a gateway brings: enough for every document to compile.
Json instance_part() {
  Json listeners = Json::array();
  listeners.push(Json::object().set("address", "127.0.0.1:0"));
  return Json::object()
      .set("listeners", std::move(listeners))
      .set("redis", Json::object().set("url", "redis://127.0.0.1"))
      .set("state_dir", "/var/lib/weir");
}

// Names of files that lie where gateways run, and the credentials of consumers: neither decides a route.
Json without_secrets(const Json& document) {
  Json out = Json::object();
  for (const Json::Member& section : document.members()) {
    if (section.name == "certificates") continue;
    Json list = Json::array();
    for (const Json& item : section.value.items()) {
      Json kept = item;
      if (section.name == "secrets") {
        const std::string about = identity::about_secret(text_in(item, "name"));
        kept.set("value", identity::seal(stand_in_secret(), kMasterKey, about));
      } else if (section.name == "consumers") {
        kept = Json::object();
        for (const Json::Member& member : item.members())
          if (member.name != "credentials") kept.set(member.name, member.value);
      } else if (const Json* tls = item.find("tls"); tls != nullptr && section.name == "upstreams") {
        Json rest = Json::object();
        for (const Json::Member& member : tls->members())
          if (!member.name.ends_with("_file")) rest.set(member.name, member.value);
        kept.set("tls", std::move(rest));
      }
      list.push(std::move(kept));
    }
    out.set(section.name, std::move(list));
  }
  return out;
}

Outcome<Json> read_document(const ExplainOptions& options) {
  if (!options.config.empty()) {
    auto file = yaml::load_file(options.config == "-" ? "/dev/stdin" : options.config.c_str());
    if (!file) return std::unexpected(Trouble{kProblems, describe(file.error(), options.config)});
    return std::move(*file);
  }
  auto server = Server::at(options.server);
  if (!server) return std::unexpected(server.error());
  if (options.draft) {
    const auto draft = read_draft(*server);
    if (!draft) return std::unexpected(draft.error());
    return document_of(*draft);
  }
  const std::string revision = options.revision.empty() ? "latest" : options.revision;
  return server->get(fmt::format("/v1/revisions/{}/document", adapters::curl::percent_encode(revision)));
}

// The entry of that filter in a plugin_chain, or nullptr.
const Json* entry_of(const Json* object, std::string_view filter) {
  const Json* chain = object == nullptr ? nullptr : object->find("plugin_chain");
  if (chain == nullptr) return nullptr;
  for (const Json& entry : chain->items())
    if (entry.as_string() == filter || text_in(entry, "name") == filter) return &entry;
  return nullptr;
}

const Json* object_named(const Json& document, std::string_view list, std::string_view name) {
  const Json* items = document.find(list);
  if (items == nullptr) return nullptr;
  for (const Json& item : items->items())
    if (text_in(item, list == "routes" ? "route_id" : "name") == name) return &item;
  return nullptr;
}

// The limits the request would count against, each with its config and where that stands: what `filters` only names.
class Limits {
 public:
  Limits(const Json& document, const Json& route, const std::string& consumer)
      : document_(document), shown_(route), consumer_(consumer) {
    route_ = object_named(document, "routes", text_in(route, "route_id"));
  }

  Json all() const {
    Json out = Json::array();
    const Json* filters = shown_.find("filters");
    if (filters == nullptr) return out;
    for (const Json& filter : filters->items()) {
      const std::string_view name = text_in(filter, "name");
      if (std::ranges::find(kLimits, name) == kLimits.end()) continue;
      const std::string_view origin = text_in(filter, "origin");
      Json one = Json::object().set("filter", name).set("origin", origin);
      const Json* entry = find(name, origin);
      const Json* config = entry == nullptr ? nullptr : entry->find("config");
      if (config != nullptr) one.set("config", *config);
      const Json* rps = route_ == nullptr ? nullptr : route_->find("rate_limit_rps");
      if (name == "rate_limit" && rps != nullptr && rps->as_number() > 0) one.set("rate_limit_rps", *rps);
      out.push(std::move(one));
    }
    return out;
  }

 private:
  const Json* find(std::string_view filter, std::string_view origin) const {
    if (origin == "global") return entry_of(&document_, filter);
    if (origin == "route") return entry_of(route_, filter);
    const Json* consumer = object_named(document_, "consumers", consumer_);
    if (origin == "consumer") return entry_of(consumer, filter);
    if (origin == "upstream") return entry_of(upstream(), filter);
    const Json* groups = consumer == nullptr ? nullptr : consumer->find("groups");
    if (origin != "group" || groups == nullptr) return nullptr;
    for (const Json& group : groups->items())
      if (const Json* entry = entry_of(object_named(document_, "groups", group.as_string()), filter)) return entry;
    return nullptr;
  }

  const Json* upstream() const {
    const Json* destination = shown_.find("destination");
    return destination == nullptr ? nullptr : object_named(document_, "upstreams", text_in(*destination, "upstream"));
  }

  const Json& document_;
  const Json& shown_;  // the route as the report has it
  const std::string& consumer_;
  const Json* route_ = nullptr;  // as the document has it
};

std::string limit_line(const Json& limit) {
  std::string what;
  if (const Json* rps = limit.find("rate_limit_rps"))
    what = fmt::format("{} requests a second for each consumer, anonymous ones by address", to_canonical(*rps));
  if (const Json* config = limit.find("config"))
    what += fmt::format("{}{}", what.empty() ? "" : "; ", to_canonical(*config));
  return fmt::format("  {:<10} {} ({}){}{}\n", "limit", text_in(limit, "filter"), text_in(limit, "origin"),
                     what.empty() ? "" : ": ", what);
}

// Behind the filters, before where it goes.
std::string with_limits(const std::string& text, const Json& limits) {
  std::string lines;
  for (const Json& limit : limits.items()) lines += limit_line(limit);
  const std::size_t filters = text.find("\n  filters ");
  const std::size_t end = filters == std::string::npos ? std::string::npos : text.find('\n', filters + 1);
  if (end == std::string::npos) return text + lines;
  return text.substr(0, end + 1) + lines + text.substr(end + 1);
}

int tell_problems(const Json& document, const Problems& problems) {
  for (const Problem& problem : problems) fmt::print(stderr, "{}\n", snapshot::describe_published(document, problem));
  return tell("explain", {kProblems, "this does not compile here, so that no route can be told"});
}

}  // namespace

int explain(const ExplainOptions& options, pipeline::FilterTable filters) {
  const auto asked = explain::parse_asked(options.request, options.host, options.headers);
  if (options.request.empty())
    return tell("explain", {kUsage, "which request? 'GET https://shop.example.com/orders/7'"});
  if (!asked) return tell("explain", {kUsage, asked.error()});
  const auto read = read_document(options);
  if (!read) return tell("explain", read.error());
  const Json document = without_secrets(snapshot::split(*read).document);
  const Json whole = snapshot::merge(instance_part(), document);
  auto compiled = snapshot::compile(
      whole, {.filters = filters, .base_dir = {}, .published = true, .master_key = std::string(kMasterKey)});
  if (!compiled) return tell_problems(whole, compiled.error());

  const explain::RouteBook book = explain::make_route_book(whole, std::move(*compiled), filters);
  explain::AskedRequest request = *asked;
  request.consumer = options.consumer;
  explain::MatchReport report = explain::report_match(book, request);
  const Json* route = report.json.find("route");
  const Json limits = route == nullptr ? Json::array() : Limits(document, *route, options.consumer).all();
  if (!limits.items().empty()) report.json.set("limits", limits);
  fmt::print("{}{}", options.json ? to_pretty(report.json) : with_limits(report.text, limits),
             options.json ? "\n" : "");
  return report.found ? kOk : kProblems;
}

}  // namespace weir::remote
