#include "snapshot/compile_chains.h"

#include <fmt/format.h>

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

void hook_up(const pipeline::Filter& filter, pipeline::Chain& chain) {
  const pipeline::Hooks hooks = filter.hooks();
  if (hooks.request) chain.on_request.push_back(&filter);
  if (hooks.response) chain.on_response.push_back(&filter);
  if (hooks.finish) chain.on_finish.push_back(&filter);
}

}  // namespace

ChainMaker::ChainMaker(CompileContext& context, pipeline::MakeContext& filter_context)
    : context_(context),
      filter_context_(filter_context),
      global_(read(context.document, ChainLink::Origin::global)) {}

ChainMaker::Entries ChainMaker::read(const Fields& owner, ChainLink::Origin origin) {
  Entries out;
  const Json::Array& items = owner.items("plugin_chain");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Json& item = items[i];
    const std::string_view name = item.is_string() ? item.as_string() : item.find("name")->as_string();
    Entry entry;
    entry.spec = &*std::ranges::find(context_.options.filters, name, &pipeline::FilterSpec::name);  // in the schema
    entry.config = item.find("config");
    entry.origin = origin;
    entry.disabled = item.find("disabled") != nullptr && item.find("disabled")->as_boolean();
    entry.position = item.position;
    entry.path = item_path(owner.path("plugin_chain"), i);
    entry.config_path = entry.config != nullptr ? entry.path + ".config" : entry.path;
    const auto before = std::ranges::find(out, entry.spec, &Entry::spec);
    if (before != out.end()) {
      context_.report({entry.position, entry.path, fmt::format("the filter \"{}\" is already {}", name, before->path),
                       "a chain has each filter once"});
      continue;
    }
    check_entry(entry);
    out.push_back(std::move(entry));
  }
  return out;
}

void ChainMaker::check_entry(const Entry& entry) {
  if (entry.disabled && is_always(entry.spec->name)) {
    const std::string_view hint = entry.spec->name == "access_log"
                                      ? "access_log: {enabled: false} writes no log at all"
                                      : "the access log would not know the request";
    context_.report(
        {entry.position, entry.path, fmt::format("\"{}\" cannot be disabled", entry.spec->name), std::string(hint)});
  }
  if (entry.config != nullptr || entry.disabled) return;  // a written config has passed the document's schema
  for (Problem& problem : check(empty_config(), entry.spec->schema(), entry.path)) {
    problem.position = entry.position;
    if (problem.message.ends_with("is missing")) problem.message += " from its config";
    context_.report(std::move(problem));
  }
}

// Replaces global filters that the route has too, and adds what stands in every chain or is asked for by a column.
ChainMaker::Entries ChainMaker::merge(const Entries& own, std::initializer_list<std::string_view> asked_for) const {
  Entries out;
  for (const Entry& entry : global_) {
    if (std::ranges::find(own, entry.spec, &Entry::spec) == own.end()) out.push_back(entry);
  }
  out.insert(out.end(), own.begin(), own.end());
  std::erase_if(out, [](const Entry& entry) { return entry.disabled; });
  for (const pipeline::FilterSpec& spec : context_.options.filters) {
    const bool listed = std::ranges::find(out, &spec, &Entry::spec) != out.end();
    const bool asked = std::ranges::find(asked_for, spec.name) != asked_for.end();
    if (listed || (!is_always(spec.name) && spec.name != kProxy && !asked)) continue;
    out.emplace_back().spec = &spec;
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i].order = i;
  std::ranges::sort(out, {},
                    [](const Entry& entry) { return std::tuple(entry.spec->phase, entry.spec->rank, entry.order); });
  return out;
}

const pipeline::Filter* ChainMaker::instance(const Entry& entry) {
  const Json& config = entry.config != nullptr ? *entry.config : empty_config();
  const bool of_all = entry.origin == ChainLink::Origin::global;
  const auto [at, fresh] =
      instances_.try_emplace(fmt::format("{} {} {}", of_all ? "all" : "one", entry.spec->name, to_canonical(config)));
  if (!fresh && at->second != nullptr) return at->second;
  // A refused config is made again for each place it stands in, so that each is told.
  filter_context_.of_all_routes = of_all;
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
  at->second = made->get();
  context_.out.filters.push_back(std::move(*made));
  return at->second;
}

void ChainMaker::check_captures(const Entry& entry, const pipeline::Filter& filter,
                                const std::vector<PatternCapture>* captures) {
  for (const std::string_view name : filter.captures_used()) {
    if (captures == nullptr) {
      context_.report({entry.position, entry.path,
                       fmt::format("names the capture \"{}\", but a filter of all routes has none", name),
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
  for (const Entry& entry : entries) {
    const pipeline::Filter* filter = instance(entry);
    if (filter == nullptr) continue;
    // A global filter's captures are judged once, by global().
    if ((captures == nullptr) == (entry.origin == ChainLink::Origin::global)) {
      check_captures(entry, *filter, captures);
    }
    hook_up(*filter, out.chain);
    if (const auto* execution = dynamic_cast<const pipeline::Execution*>(filter)) {
      if (out.chain.execution != nullptr) {
        context_.report({entry.position, entry.path, "a second filter that makes the response", "keep one of them"});
      }
      out.chain.execution = execution;
    }
    if (out.answers.empty() && filter->always_answers()) out.answers = entry.spec->name;
    out.links.push_back({entry.spec->name, entry.spec->phase, entry.origin, filter});
  }
  std::ranges::reverse(out.chain.on_response);
  return out;
}

ChainMaker::Made ChainMaker::global() {
  Entries entries = merge({});
  std::erase_if(entries, [](const Entry& entry) { return entry.spec->name == kProxy; });
  return assemble(entries, nullptr);
}

ChainMaker::Made ChainMaker::route(const Fields& route, const pipeline::Route& made,
                                   const std::vector<PatternCapture>& captures) {
  const Entries own = read(route, ChainLink::Origin::route);
  Entries entries = merge(own, {made.auth_required ? kRequireIdentity : "", made.rate_bucket ? kRateLimit : ""});
  if (!made.proxied) {
    for (const Entry& entry : own) {
      if (entry.spec->name != kProxy) continue;
      context_.report(
          {entry.position, entry.path, "the filter \"proxy\" needs the route to have an upstream_url", ""});
    }
    std::erase_if(entries, [](const Entry& entry) { return entry.spec->name == kProxy; });
  }
  check_columns(route, made, own, entries);
  return assemble(entries, &captures);
}

// A column that promises something must have the filter that keeps the promise.
void ChainMaker::check_columns(const Fields& route, const pipeline::Route& made, const Entries& own,
                               const Entries& entries) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(entries, [&](const Entry& entry) { return entry.spec->name == name; });
  };
  const auto establishes = [](const Entry& entry) { return entry.spec->phase == pipeline::Phase::auth; };
  const auto disabled = [&](std::string_view name) {
    for (const Entries* list : {&own, &std::as_const(global_)})
      for (const Entry& entry : *list)
        if (entry.disabled && entry.spec->name == name) return true;
    return false;
  };
  if (made.auth_required && disabled(kRequireIdentity)) {
    context_.report(route.problem("auth_required", "but its plugin_chain disables \"require_identity\"",
                                  "set auth_required: false, or do not disable the filter"));
  }
  if ((made.auth_required || has(kRequireIdentity)) && std::ranges::none_of(entries, establishes)) {
    context_.report(route.problem(made.auth_required ? "auth_required" : "plugin_chain",
                                  "no filter of this route can tell who calls, so nobody could ever pass",
                                  "add one to its plugin_chain or to the global one: " + auth_filters()));
  }
  if (made.rate_bucket && disabled(kRateLimit)) {
    context_.report(route.problem("rate_limit_rps", "but its plugin_chain disables \"rate_limit\"",
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
