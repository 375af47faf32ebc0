#include "snapshot/compile/chains.h"

#include <fmt/format.h>

#include <tuple>

#include "snapshot/document.h"

namespace weir::snapshot {
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
  std::vector<std::pair<const pipeline::Filter*, Origin>> key;
  for (const pipeline::Step& step : steps) key.emplace_back(step.filter, step.origin);
  const pipeline::OverlayTurn*& known = turns_[std::move(key)];
  if (known == nullptr) {
    const auto boundary = static_cast<std::size_t>(std::ranges::find_if_not(steps, is_before) - steps.begin());
    auto turn = std::make_unique<pipeline::OverlayTurn>(context_.out.overlays, steps, boundary, made.chain.execution);
    known = turn.get();
    context_.out.filters.push_back(std::move(turn));
  }
  made.turn = known;
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
