// A snapshot or the problems instead of it, as the text that golden cases of compile expect.
#pragma once

#include <fmt/format.h>

#include <set>

#include "snapshot/compile/compile.h"
#include "tests/snapshot/fake_filters.h"

namespace weir::snapshot {

inline std::string summary(const ChainLinks& links) {
  std::string out;
  for (const ChainLink& link : links) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", link.filter);
    if (link.origin != ChainLink::Origin::built_in) out += fmt::format(" ({})", text(link.origin));
  }
  return out;
}

// A route's chain for every consumer and group that has filters of its own.
inline std::string turned(const Snapshot& snapshot, const pipeline::FilterTable& filters, std::size_t route) {
  std::string out;
  const auto add = [&](std::string_view who, std::string_view consumer, std::span<const std::string_view> groups) {
    pipeline::Identity caller;
    caller.kind = pipeline::CredentialKind::api_key;
    caller.consumer = consumer;
    caller.groups = groups;
    ChainLinks links;
    for (const pipeline::Step& step : snapshot.turns[route]->steps_for(caller))
      links.push_back({filters[step.name].name, filters[step.name].phase, step.origin, step.filter});
    out += fmt::format("  for {}: {}\n", who, summary(links));
  };
  std::set<std::string_view> consumers, groups;
  for (const auto& [name, overlay] : snapshot.overlays.consumers) consumers.insert(name);
  for (const auto& [name, overlay] : snapshot.overlays.groups) groups.insert(name);
  for (const std::string_view name : groups) add(fmt::format("one of {}", name), "somebody", std::array{name});
  for (const std::string_view name : consumers) add(name, name, snapshot.consumers->by_name(name)->groups);
  return out;
}

inline std::string summary(const pipeline::Destination& destination, const Snapshot& snapshot) {
  const std::string& upstream = snapshot.upstreams[destination.upstream].name;
  std::string out = upstream + destination.path_prefix;
  return destination.authority == upstream ? out : out + fmt::format(" (Host {})", destination.authority);
}

inline std::string summary(const pipeline::UpstreamSpec& upstream) {
  std::string out = fmt::format("upstream {}:", upstream.name);
  for (const pipeline::TargetSpec& target : upstream.targets) {
    out += fmt::format(" {}", target.address);
    if (target.weight != 1) out += fmt::format("*{}", target.weight);
  }
  if (upstream.tls != nullptr) out += " tls";
  if (!upstream.server_name.empty()) out += fmt::format(" as {}", upstream.server_name);
  return out + "\n";
}

inline std::string summary(const pipeline::Route& route, const Snapshot& snapshot) {
  std::string out = fmt::format("route {}: {}", route.id, route.path_pattern);
  if (route.proxied) out += " -> " + summary(route.stable, snapshot);
  if (route.canary_below != 0 || route.canary_all) {
    const double share = static_cast<double>(route.canary_below) / 18446744073709551616.0 * 100;
    out += fmt::format(", {:g}% -> {}{}", share, summary(route.canary, snapshot), route.canary_all ? " (all)" : "");
  }
  if (route.timeout.count() != 0) out += fmt::format(", within {} ms", route.timeout.count());
  if (route.preserve_host) out += ", keeps Host";
  if (route.allow_encoded_slash) out += ", takes %2F";
  out += fmt::format("\n  {}\n", summary(snapshot.route_links[route.index]));
  if (!snapshot.turns.empty()) out += turned(snapshot, fake::table(), route.index);
  return out;
}

inline std::string summary(const Snapshot& snapshot) {
  std::string out;
  for (const ListenerSpec& listener : snapshot.listeners) {
    out += fmt::format("listener {}{}{}\n", listener.text, listener.tls != nullptr ? " tls" : "",
                       listener.proxy_protocol ? " proxy" : "");
  }
  if (snapshot.admin) out += fmt::format("admin {}\n", snapshot.admin->to_string());
  for (const pipeline::UpstreamSpec& upstream : snapshot.upstreams) out += summary(upstream);
  for (const pipeline::Route& route : snapshot.routes) out += summary(route, snapshot);
  out += fmt::format("other requests\n  {}\n", summary(snapshot.global_links));
  for (const std::string& warning : snapshot.warnings) out += "warning: " + warning + "\n";
  return out;
}

inline std::string summary(const std::expected<std::shared_ptr<const Snapshot>, Problems>& compiled) {
  if (compiled) return summary(**compiled);
  std::string out;
  for (const Problem& problem : compiled.error()) out += describe(problem, "weir.yaml") + "\n";
  return out;
}

}  // namespace weir::snapshot
