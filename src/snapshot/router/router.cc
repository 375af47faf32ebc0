// Router (router.h): match on the way of a request, explain for people.
#include "snapshot/router/router.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::snapshot {

template <class Visit>
void Router::for_each_candidate(const Lookup& lookup, Visit&& visit) const {
  RadixTree::Trail trail;
  const auto visit_leaf = [&](RadixTree::Leaf leaf) {
    const Range range = leaves_[leaf];
    for (std::uint32_t i = 0; i < range.count; ++i) {
      if (visit(entries_[range.first + i], trail)) return true;
    }
    return false;
  };
  const auto visit_host = [&](const Hosts& hosts, std::string_view name) {
    const auto host = hosts.find(name);
    return host != hosts.end() && tree_.walk(host->second, lookup.path, trail, visit_leaf);
  };
  if (!exact_.empty() && visit_host(exact_, lookup.host)) return;
  // Only the rightmost wildcard_labels_ labels can be a suffix; the longest is tried first.
  std::size_t dot = lookup.host.size();
  for (std::size_t i = 0; i < wildcard_labels_ && dot != 0; ++i) {
    const std::size_t before = lookup.host.rfind('.', dot - 1);
    if (before == std::string_view::npos) break;
    dot = before;
  }
  while (dot < lookup.host.size()) {
    if (visit_host(wildcard_, lookup.host.substr(dot + 1))) return;
    dot = lookup.host.find('.', dot + 1);
  }
  if (every_host_ != RadixTree::kNone) tree_.walk(every_host_, lookup.path, trail, visit_leaf);
}

bool Router::predicates_fit(const Entry& entry, const Lookup& lookup) const noexcept {
  for (std::size_t i = 0; i < entry.predicate_count; ++i) {
    if (!fits(predicates_[entry.first_predicate + i], lookup.fields, lookup.query)) return false;
  }
  return true;
}

Match Router::match(const Lookup& lookup) const noexcept {
  Match out;
  const MethodSet method = methods_.bit_of(lookup.method);
  for_each_candidate(lookup, [&](const Entry& entry, const RadixTree::Trail& trail) {
    const bool method_fits = (entry.methods & method) != 0;
    const bool teaches = (entry.methods & ~out.allowed) != 0;
    if ((!method_fits && !teaches) || !predicates_fit(entry, lookup)) return false;
    if (!method_fits) {
      out.outcome = Match::Outcome::wrong_method;
      out.allowed |= entry.methods;
      return false;
    }
    out.outcome = Match::Outcome::found;
    out.route = entry.route;
    out.capture_count = entry.capture_count;
    for (std::size_t i = 0; i < entry.capture_count; ++i) {
      const PatternCapture& capture = captures_[entry.first_capture + i];
      out.captures[i] = {capture.name, capture.rest ? trail.rest(lookup.path, capture.segment)
                                                    : trail.segment(lookup.path, capture.segment)};
    }
    return true;
  });
  return out;
}

std::string Router::why_not(const Entry& entry, const Lookup& lookup) const {
  if ((entry.methods & methods_.bit_of(lookup.method)) == 0)
    return fmt::format("takes {}, not {}", methods_.text(entry.methods), lookup.method);
  for (std::size_t i = 0; i < entry.predicate_count; ++i) {
    const Predicate& predicate = predicates_[entry.first_predicate + i];
    if (!fits(predicate, lookup.fields, lookup.query)) return fmt::format("does not fit: {}", describe(predicate));
  }
  return {};
}

std::vector<Candidate> Router::explain(const Lookup& lookup, std::span<const RouteKey> keys) const {
  std::vector<Candidate> out;
  std::int32_t chosen = -1;
  for_each_candidate(lookup, [&](const Entry& entry, const RadixTree::Trail&) {
    // A route with several hosts may fit by more than one of them.
    const bool seen = std::ranges::any_of(out, [&](const Candidate& other) { return other.route == entry.route; });
    if (seen) return false;
    std::string why = why_not(entry, lookup);
    if (why.empty() && chosen >= 0)
      why = fmt::format("route \"{}\" goes before it", keys[static_cast<std::size_t>(chosen)].id);
    if (why.empty()) chosen = entry.route;
    out.push_back({entry.route, std::move(why)});
    return false;
  });
  return out;
}

}  // namespace weir::snapshot
