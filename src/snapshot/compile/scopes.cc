// ChainMaker's reading: whose `plugin_chain` says what, and what may stand where (chains.h).
#include <fmt/format.h>

#include <cstdlib>

#include "snapshot/compile/chains.h"
#include "snapshot/document.h"

namespace weir::snapshot {

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

const Json& ChainMaker::empty_config() {
  static const Json kEmpty = Json::object();
  return kEmpty;
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

}  // namespace weir::snapshot
