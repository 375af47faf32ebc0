#include "snapshot/compile_chains.h"

#include <fmt/format.h>

#include <cstdlib>
#include <tuple>

#include "snapshot/document.h"

namespace weir::snapshot {
namespace {

// In every chain, named or not: a request without an id or a record cannot be accounted for.
constexpr std::array<std::string_view, 2> kAlways = {"request_id", "access_log"};
// In the chain of every route with an upstream_url, named or not.
constexpr std::string_view kProxy = "proxy";
// In the chain of every route with auth_required: true, or with a rate_limit_rps.
constexpr std::string_view kRequireIdentity = "require_identity";
constexpr std::string_view kRateLimit = "rate_limit";

bool is_always(std::string_view name) { return std::ranges::find(kAlways, name) != kAlways.end(); }

const Json& empty_config() {
  static const Json kEmpty = Json::object();
  return kEmpty;
}

// What a caller's own chain cannot change, because it is the route's to say.
constexpr std::array<std::string_view, 2> kOfRoutes = {kRequireIdentity, kProxy};

bool is_of_routes(std::string_view name) { return std::ranges::find(kOfRoutes, name) != kOfRoutes.end(); }

// In the chain of some route, or asked for by one.
bool is_of_route(pipeline::Origin origin) {
  return origin == pipeline::Origin::route || origin == pipeline::Origin::built_in;
}

bool is_of_caller(pipeline::Origin origin) {
  return origin == pipeline::Origin::group || origin == pipeline::Origin::consumer;
}

}  // namespace

ChainMaker::ChainMaker(CompileContext& context, OwnedContext& filter_context)
    : context_(context),
      filter_context_(filter_context),
      global_(read(context.document.json(), "", Origin::global, {})) {
  // Their names are told apart by bits. Twice the filters there are would still fit.
  if (context.options.filters.size() > pipeline::kMostFilterNames) std::abort();
  read_upstreams();
  read_overlays();
}

ChainMaker::Entries ChainMaker::read(const Json& owner, const std::string& path, Origin origin,
                                     std::string_view name) {
  Entries out;
  const Json* const list = owner.find("plugin_chain");
  if (list == nullptr) return out;
  const std::string list_path = join_path(path, "plugin_chain");
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    const Json& item = list->items()[i];
    const std::string_view filter = item.is_string() ? item.as_string() : item.find("name")->as_string();
    Entry entry;
    entry.spec = &*std::ranges::find(context_.options.filters, filter, &pipeline::FilterSpec::name);  // in the schema
    entry.config = item.find("config");
    entry.origin = origin;
    entry.owner = name;
    entry.disabled = item.find("disabled") != nullptr && item.find("disabled")->as_boolean();
    entry.position = item.position;
    entry.path = item_path(list_path, i);
    entry.config_path = entry.config != nullptr ? entry.path + ".config" : entry.path;
    const auto before = std::ranges::find(out, entry.spec, &Entry::spec);
    if (before != out.end()) {
      context_.report({entry.position, entry.path,
                       fmt::format("the filter \"{}\" is already {}", filter, before->path),
                       "a chain has each filter once"});
      continue;
    }
    check_entry(entry);
    out.push_back(std::move(entry));
  }
  return out;
}

void ChainMaker::read_upstreams() {
  const Json::Array& upstreams = context_.document.items("upstreams");
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    const std::string_view name = upstreams[i].find("name")->as_string();
    Entries entries = read(upstreams[i], item_path("upstreams", i), Origin::upstream, name);
    for (const Entry& entry : entries) {
      if (entry.disabled) continue;
      if (const pipeline::Filter* filter = instance(entry)) check_captures(entry, *filter, nullptr);
    }
    if (!entries.empty()) upstreams_.try_emplace(std::string(name), std::move(entries));
  }
}

void ChainMaker::read_overlays() {
  const Json::Array& groups = context_.document.items("groups");
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (const Json* name = groups[i].find("name"))
      add_overlay(context_.out.overlays.groups, groups[i], item_path("groups", i), Origin::group, name->as_string());
  const Json::Array& consumers = context_.document.items("consumers");
  for (std::size_t i = 0; i < consumers.size(); ++i)
    add_overlay(context_.out.overlays.consumers, consumers[i], item_path("consumers", i), Origin::consumer,
                consumers[i].find("name")->as_string());
}

void ChainMaker::add_overlay(pipeline::Overlays::ByName& to, const Json& owner, const std::string& path,
                             Origin origin, std::string_view name) {
  Entries entries = read(owner, path, origin, name);
  if (entries.empty()) return;
  sort(entries);
  pipeline::Overlay overlay;
  for (const Entry& entry : entries) {
    overlay.names.set(static_cast<std::size_t>(entry.spec - context_.options.filters.data()));
    if (entry.disabled) continue;
    const pipeline::Filter* filter = instance(entry);
    if (filter == nullptr) continue;
    check_captures(entry, *filter, nullptr);
    if (!is_of_routes(entry.spec->name) && dynamic_cast<const pipeline::Execution*>(filter) != nullptr)
      context_.report({entry.position, entry.path,
                       fmt::format("\"{}\" asks upstream, which is the route's to say", entry.spec->name),
                       "move it to the plugin_chain of the routes"});
    overlay.steps.push_back(step(entry, *filter));
  }
  to.try_emplace(std::string(name), std::move(overlay));
}

void ChainMaker::check_entry(const Entry& entry) {
  if (entry.disabled && is_always(entry.spec->name)) {
    const std::string_view hint = entry.spec->name == "access_log"
                                      ? "access_log: {enabled: false} writes no log at all"
                                      : "the access log would not know the request";
    context_.report(
        {entry.position, entry.path, fmt::format("\"{}\" cannot be disabled", entry.spec->name), std::string(hint)});
  }
  if (is_of_caller(entry.origin)) check_of_caller(entry);
  if (entry.config != nullptr || entry.disabled) return;  // a written config has passed the document's schema
  for (Problem& problem : check(empty_config(), entry.spec->schema(), entry.path)) {
    problem.position = entry.position;
    if (problem.message.ends_with("is missing")) problem.message += " from its config";
    context_.report(std::move(problem));
  }
}

// Who calls is known after the auth filters: what runs before, and what decides who may come, is not a caller's own.
void ChainMaker::check_of_caller(const Entry& entry) {
  const auto report = [&](std::string message, std::string hint) {
    context_.report({entry.position, entry.path, std::move(message), std::move(hint)});
  };
  const std::string_view whose = entry.origin == Origin::group ? "group" : "consumer";
  const std::string_view name = entry.spec->name;
  if (entry.spec->phase < pipeline::Phase::routing) {
    report(fmt::format("\"{}\" runs before it is known who calls, so it cannot be a {}'s own", name, whose),
           "move it to the plugin_chain of routes, of an upstream or of the file");
  } else if (is_of_routes(name)) {
    report(fmt::format("\"{}\" is the route's to say, not a {}'s", name, whose),
           "move it to the plugin_chain of routes, of an upstream or of the file");
  } else if (entry.disabled && entry.spec->phase == pipeline::Phase::execution) {
    report(fmt::format("\"{}\" makes the response of a route: a {} cannot be without it", name, whose),
           "give it another config instead");
  }
}

ChainMaker::Entries ChainMaker::merge(std::initializer_list<const Entries*> layers) {
  Entries out;
  for (const Entries* layer : layers) {
    std::erase_if(
        out, [&](const Entry& entry) { return std::ranges::find(*layer, entry.spec, &Entry::spec) != layer->end(); });
    out.insert(out.end(), layer->begin(), layer->end());
  }
  return out;
}

ChainMaker::Entries ChainMaker::complete(Entries out, std::initializer_list<std::string_view> asked_for) const {
  std::erase_if(out, [](const Entry& entry) { return entry.disabled; });
  for (const pipeline::FilterSpec& spec : context_.options.filters) {
    const bool listed = std::ranges::find(out, &spec, &Entry::spec) != out.end();
    const bool asked = std::ranges::find(asked_for, spec.name) != asked_for.end();
    if (listed || (!is_always(spec.name) && spec.name != kProxy && !asked)) continue;
    out.emplace_back().spec = &spec;
  }
  sort(out);
  return out;
}

void ChainMaker::sort(Entries& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].order = i;
  std::ranges::sort(entries, {},
                    [](const Entry& entry) { return std::tuple(pipeline::place_of(*entry.spec), entry.order); });
}

const pipeline::Filter* ChainMaker::instance(const Entry& entry) {
  const Json& config = entry.config != nullptr ? *entry.config : empty_config();
  const std::string shared = fmt::format("{} {}", entry.spec->name, to_canonical(config));
  // Equal configs of all routes' own chains are one instance too: such a filter tells routes apart as it runs.
  const std::string owned =
      fmt::format("{} of {} {}", shared, is_of_route(entry.origin) ? "a route" : text(entry.origin), entry.owner);
  for (const std::string& key : {shared, owned})
    if (const auto known = instances_.find(key); known != instances_.end()) return known->second;
  filter_context_.begin({is_of_route(entry.origin) ? Origin::route : entry.origin, entry.owner});
  auto made = entry.spec->make(config, filter_context_);
  if (!made) {
    for (Problem& problem : made.error()) {
      if (problem.position.line == 0) problem.position = position_at(config, problem.path);
      if (problem.position.line == 0) problem.position = entry.position;
      problem.path = join_path(entry.config_path, problem.path);
      context_.report(std::move(problem));
    }
    return nullptr;
  }
  const pipeline::Filter* const out = made->get();
  instances_.emplace(filter_context_.asked() ? owned : shared, out);
  context_.out.filters.push_back(std::move(*made));
  return out;
}

pipeline::Step ChainMaker::step(const Entry& entry, const pipeline::Filter& filter) const {
  return {&filter, pipeline::place_of(*entry.spec),
          static_cast<std::uint8_t>(entry.spec - context_.options.filters.data()), entry.origin, filter.hooks()};
}

void ChainMaker::check_captures(const Entry& entry, const pipeline::Filter& filter,
                                const std::vector<PatternCapture>* captures) {
  for (const std::string_view name : filter.captures_used()) {
    if (captures == nullptr) {
      context_.report({entry.position, entry.path,
                       fmt::format("names the capture \"{}\", but a filter of {} has none", name,
                                   entry.origin == Origin::global     ? "all routes"
                                   : entry.origin == Origin::upstream ? "an upstream"
                                                                      : fmt::format("a {}", text(entry.origin))),
                       "move it to the plugin_chain of the routes that have it"});
    } else if (std::ranges::find(*captures, name, &PatternCapture::name) == captures->end()) {
      std::string known;
      for (const PatternCapture& one : *captures) known += (known.empty() ? "" : ", ") + one.name;
      context_.report({entry.position, entry.path,
                       fmt::format("names the capture \"{}\", which the route's path_pattern does not have", name),
                       known.empty() ? "it has none" : "it has: " + known});
    }
  }
}

ChainMaker::Made ChainMaker::assemble(const Entries& entries, const std::vector<PatternCapture>* captures) {
  Made out;
  std::vector<pipeline::Step> steps;
  for (const Entry& entry : entries) {
    const pipeline::Filter* filter = instance(entry);
    if (filter == nullptr) continue;
    // The captures of others than the route's own are judged once, where they are read or by global().
    if (captures == nullptr ? entry.origin == Origin::global : is_of_route(entry.origin))
      check_captures(entry, *filter, captures);
    steps.push_back(step(entry, *filter));
    if (const auto* execution = dynamic_cast<const pipeline::Execution*>(filter)) {
      if (out.chain.execution != nullptr) {
        context_.report({entry.position, entry.path, "a second filter that makes the response", "keep one of them"});
      }
      out.chain.execution = execution;
    }
    if (out.answers.empty() && filter->always_answers()) out.answers = entry.spec->name;
    out.links.push_back({entry.spec->name, entry.spec->phase, entry.origin, filter});
  }
  if (captures != nullptr && !context_.out.overlays.empty()) add_turn(steps, out);
  set_lists(steps, out);
  return out;
}

// Behind the auth filters and require_identity: who may call at all is the route's to say.
void ChainMaker::add_turn(const std::vector<pipeline::Step>& steps, Made& made) {
  const auto is_before = [&](const pipeline::Step& step) {
    const pipeline::FilterSpec& spec = context_.options.filters[step.name];
    return spec.phase < pipeline::Phase::routing || spec.name == kRequireIdentity;
  };
  const auto boundary = std::ranges::find_if_not(steps, is_before) - steps.begin();
  auto turn = std::make_unique<pipeline::OverlayTurn>(context_.out.overlays, steps,
                                                      static_cast<std::size_t>(boundary), made.chain.execution);
  made.turn = turn.get();
  context_.out.filters.push_back(std::move(turn));
}

void ChainMaker::set_lists(const std::vector<pipeline::Step>& steps, Made& made) {
  std::vector<const pipeline::Filter*> request, response, finish;
  const auto keep = [&](std::vector<const pipeline::Filter*> list) -> pipeline::FilterList {
    return *context_.out.filter_lists.insert(std::move(list)).first;
  };
  const std::size_t turn = made.turn != nullptr ? made.turn->boundary() : steps.size() + 1;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i == turn) request.push_back(made.turn);
    const pipeline::Step& step = steps[i];
    if (step.hooks.request) request.push_back(step.filter);
    if (step.hooks.response) response.push_back(step.filter);
    if (step.hooks.finish) finish.push_back(step.filter);
  }
  if (turn == steps.size()) request.push_back(made.turn);
  std::ranges::reverse(response);
  made.chain.on_request = keep(std::move(request));
  made.chain.on_response = keep(std::move(response));
  made.chain.on_finish = keep(std::move(finish));
}

ChainMaker::Made ChainMaker::global() {
  Entries entries = complete(global_, {});
  std::erase_if(entries, [](const Entry& entry) { return entry.spec->name == kProxy; });
  return assemble(entries, nullptr);
}

ChainMaker::Made ChainMaker::route(const Fields& route, const pipeline::Route& made,
                                   const std::vector<PatternCapture>& captures) {
  const Entries own = read(route.json(), route.path(), Origin::route, {});
  static const Entries kNone;
  const Entries* of_upstream = &kNone;
  // Without an authority its upstream_url was refused.
  if (made.proxied && !made.stable.authority.empty()) {
    const auto at = upstreams_.find(context_.out.upstreams[made.stable.upstream].name);
    if (at != upstreams_.end()) of_upstream = &at->second;
  }
  const Entries layered = merge({&global_, of_upstream, &own});
  Entries entries =
      complete(layered, {made.auth_required ? kRequireIdentity : "", made.rate_bucket ? kRateLimit : ""});
  if (!made.proxied) {
    for (const Entry& entry : own) {
      if (entry.spec->name != kProxy) continue;
      context_.report(
          {entry.position, entry.path, "the filter \"proxy\" needs the route to have an upstream_url", ""});
    }
    std::erase_if(entries, [](const Entry& entry) { return entry.spec->name == kProxy; });
  }
  check_columns(route, made, layered, entries);
  return assemble(entries, &captures);
}

// A column that promises something must have the filter that keeps the promise.
void ChainMaker::check_columns(const Fields& route, const pipeline::Route& made, const Entries& layered,
                               const Entries& entries) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(entries, [&](const Entry& entry) { return entry.spec->name == name; });
  };
  const auto establishes = [](const Entry& entry) { return entry.spec->phase == pipeline::Phase::auth; };
  // Who disables the filter, in words; empty: nobody.
  const auto disabled_by = [&](std::string_view name) -> std::string {
    for (const Entry& entry : layered)
      if (entry.disabled && entry.spec->name == name)
        return entry.origin == Origin::route ? "its plugin_chain" : entry.path;
    return {};
  };
  const std::string no_identity = disabled_by(kRequireIdentity), no_rate = disabled_by(kRateLimit);
  if (made.auth_required && !no_identity.empty()) {
    context_.report(route.problem("auth_required", fmt::format("but {} disables \"require_identity\"", no_identity),
                                  "set auth_required: false, or do not disable the filter"));
  }
  if ((made.auth_required || has(kRequireIdentity)) && std::ranges::none_of(entries, establishes)) {
    context_.report(route.problem(made.auth_required ? "auth_required" : "plugin_chain",
                                  "no filter of this route can tell who calls, so nobody could ever pass",
                                  "add one to its plugin_chain or to the global one: " + auth_filters()));
  }
  if (made.rate_bucket && !no_rate.empty()) {
    context_.report(route.problem("rate_limit_rps", fmt::format("but {} disables \"rate_limit\"", no_rate),
                                  "set rate_limit_rps: 0, or do not disable the filter"));
  } else if (made.rate_bucket && !has(kRateLimit)) {
    context_.report(route.problem("rate_limit_rps", "there is no filter \"rate_limit\" here to enforce it"));
  }
}

std::string ChainMaker::auth_filters() const {
  std::string out;
  for (const pipeline::FilterSpec& spec : context_.options.filters)
    if (spec.phase == pipeline::Phase::auth) out.append(out.empty() ? "" : ", ").append(spec.name);
  return out;
}

}  // namespace weir::snapshot
