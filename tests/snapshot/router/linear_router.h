// The router as its documentation reads, with no tree and no cleverness: every route is looked at for every request.
// The model that the property test and the fuzz target hold the real one against. Slow on purpose.
#pragma once

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "snapshot/router/router.h"

namespace weir::snapshot {

inline std::vector<std::string> cut(std::string_view path) {
  std::vector<std::string> out{""};
  for (const char c : path.substr(1)) {
    if (c == '/') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

class LinearRouter {
 public:
  explicit LinearRouter(std::span<const RouteKey> keys) : keys_(keys) {}

  // "3 id=7 rest=a/b", "404", "405 GET, HEAD" (methods sorted), or "tie 3 5" when the documentation does not decide.
  std::string answer(const Lookup& lookup) const {
    std::vector<std::pair<Rank, std::size_t>> fitting;
    std::set<std::string> allowed;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      Rank rank;
      if (!host_fits(keys_[i], lookup.host, rank) || !path_fits(keys_[i].path_pattern, lookup.path, rank)) continue;
      const auto fit = [&](const Predicate& p) { return fits(p, lookup.fields, lookup.query); };
      if (!std::ranges::all_of(keys_[i].predicates, fit)) continue;
      const auto& methods = keys_[i].methods;
      const bool listed = methods.empty() || std::ranges::find(methods, lookup.method) != methods.end();
      const bool gets = std::ranges::find(methods, "GET") != methods.end();
      allowed.insert(methods.begin(), methods.end());
      if (gets) allowed.insert("HEAD");
      if (!listed && !(lookup.method == "HEAD" && gets)) continue;
      rank.predicates = keys_[i].predicates.size();
      rank.priority = keys_[i].priority;
      rank.listed = listed;
      fitting.emplace_back(rank, i);
    }
    if (fitting.empty()) return allowed.empty() ? "404" : "405 " + joined(allowed);
    std::ranges::sort(fitting, [](const auto& a, const auto& b) { return b.first < a.first; });
    if (fitting.size() > 1 && fitting[0].first == fitting[1].first)
      return "tie " + std::to_string(fitting[0].second) + " " + std::to_string(fitting[1].second);
    return std::to_string(fitting[0].second) + captures(keys_[fitting[0].second].path_pattern, lookup.path);
  }

  static std::string joined(const std::set<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
  }

 private:
  struct Rank {
    int host_kind = 0;
    std::size_t host_length = 0;
    std::vector<int> path;
    std::size_t predicates = 0;
    int priority = 0;
    bool listed = true;
    auto operator<=>(const Rank&) const = default;
  };

  static bool host_fits(const RouteKey& key, std::string_view host, Rank& rank) {
    bool fit = key.hosts.empty();
    for (const std::string& pattern : key.hosts) {
      const bool wild = pattern.starts_with("*.");
      const bool fits = wild ? host.size() >= pattern.size() && host.ends_with(pattern.substr(1)) : host == pattern;
      if (!fits) continue;
      fit = true;
      std::tie(rank.host_kind, rank.host_length) =
          std::max(std::tuple(rank.host_kind, rank.host_length), std::tuple(wild ? 1 : 2, pattern.size()));
    }
    return fit;
  }

  static bool path_fits(std::string_view pattern, std::string_view path, Rank& rank) {
    if (!path.starts_with('/')) return false;
    const auto want = cut(pattern);
    const auto have = cut(path);
    for (std::size_t i = 0;; ++i) {
      if (i < want.size() && (want[i] == "**" || want[i].ends_with("...}"))) {
        rank.path.push_back(0);
        return true;
      }
      if (i == want.size() || i == have.size()) {
        rank.path.push_back(1);
        return want.size() == have.size();
      }
      const bool one = want[i] == "*" || want[i].starts_with('{');
      if (one ? have[i].empty() : have[i] != want[i]) return false;
      rank.path.push_back(one ? 1 : 2);
    }
  }

  static std::string captures(std::string_view pattern, std::string_view path) {
    const auto want = cut(pattern);
    const auto have = cut(path);
    std::string out;
    for (std::size_t i = 0; i < want.size(); ++i) {
      if (!want[i].starts_with('{')) continue;
      if (!want[i].ends_with("...}")) {
        out += " " + want[i].substr(1, want[i].size() - 2) + "=" + have[i];
        continue;
      }
      out += " " + want[i].substr(1, want[i].size() - 5) + "=";
      for (std::size_t j = i; j < have.size(); ++j) out += (j == i ? "" : "/") + have[j];
    }
    return out;
  }

  std::span<const RouteKey> keys_;
};

// What the real router says, in the same words.
inline std::string answer(const Router& router, const Lookup& lookup) {
  const Match match = router.match(lookup);
  if (match.outcome == Match::Outcome::no_path) return "404";
  if (match.outcome == Match::Outcome::wrong_method) {
    std::set<std::string> sorted;
    std::istringstream in(router.allow(match.allowed));
    for (std::string word; in >> word;) sorted.insert(word.substr(0, word.find(',')));
    return "405 " + LinearRouter::joined(sorted);
  }
  std::string out = std::to_string(match.route);
  for (const Capture& capture : match.captured())
    out.append(" ").append(capture.name).append("=").append(capture.value);
  return out;
}

}  // namespace weir::snapshot
