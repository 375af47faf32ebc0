// Router::build (router.h): checks every route, files it under its hosts and pattern, orders the routes that share
// both, and refuses what would be ambiguous or dead. Cold; runs where configs are compiled.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "http/message/message.h"
#include "http/message/uri.h"
#include "snapshot/router/router.h"

namespace weir::snapshot {
namespace {

// Routes with one host and pattern are compared in pairs here and tried one after another by a lookup, each for some
// 20 ns.
constexpr std::size_t kMaxSharingPattern = 1024;
// At roughly 10 ns a node, 1,000 nodes keep the worst path a client can think of at some 10 µs. Real configs need
// under 100.
constexpr std::size_t kMaxWalk = 1000;

bool subset(const std::vector<Predicate>& part, const std::vector<Predicate>& whole) {
  return std::ranges::all_of(part, [&](const Predicate& p) { return std::ranges::find(whole, p) != whole.end(); });
}

bool disjoint(const std::vector<Predicate>& a, const std::vector<Predicate>& b) {
  return std::ranges::any_of(a, [&](const Predicate& x) {
    return std::ranges::any_of(b, [&](const Predicate& y) { return snapshot::disjoint(x, y); });
  });
}

// "example.com" and whether a wildcard stood before it. Else a Problem without a path.
struct HostName {
  std::string name;
  bool wildcard = false;
};

std::expected<HostName, Problem> parse_host(std::string_view text) {
  HostName out;
  std::string_view name = text;
  if (name.starts_with("*.")) {
    out.wildcard = true;
    name.remove_prefix(2);
  }
  std::string scratch;
  const auto authority = http::parse_authority(name, scratch);
  if (name == "*" || name.empty())
    return std::unexpected(
        Problem{{}, {}, fmt::format("\"{}\" is not a host", text), "leave hosts out to take every host"});
  if (!authority)
    return std::unexpected(Problem{{},
                                   {},
                                   fmt::format("\"{}\" is not a host: {}", text, authority.error().detail),
                                   "a name such as shop.example.com, or *.example.com for all names below"});
  if (authority->port != 0)
    return std::unexpected(Problem{
        {}, {}, fmt::format("\"{}\" has a port", text), "routes are matched by name; ports belong to listeners"});
  out.name = authority->host;
  return out;
}

}  // namespace

class RouterBuild {
 public:
  explicit RouterBuild(std::span<const RouteKey> keys) : keys_(keys) {}

  std::expected<Router, Problems> run() {
    for (std::size_t i = 0; i < keys_.size(); ++i) add_route(i);
    if (problems_.empty() && router_.tree_.worst_walk() > kMaxWalk)
      report("routes",
             fmt::format("patterns that mix names and \"*\" in the same places make one lookup visit up to {} "
                         "nodes; the limit is {}",
                         router_.tree_.worst_walk(), kMaxWalk));
    if (!problems_.empty()) return std::unexpected(std::move(problems_));
    for (auto& leaf : leaves_) finish_leaf(leaf);
    report_dead();
    if (!problems_.empty()) return std::unexpected(std::move(problems_));
    return std::move(router_);
  }

 private:
  using Entry = Router::Entry;

  const RouteKey& key(std::int32_t route) const { return keys_[static_cast<std::size_t>(route)]; }

  void report(std::string path, std::string message, std::string hint = {}) {
    problems_.push_back({{}, std::move(path), std::move(message), std::move(hint)});
  }

  void report(std::string path, Problem problem) {
    problem.path = std::move(path);
    problems_.push_back(std::move(problem));
  }

  void add_route(std::size_t index) {
    const RouteKey& route = keys_[index];
    const std::size_t problems_before = problems_.size();
    Entry entry;
    entry.route = static_cast<std::int32_t>(index);
    add_methods(route, index, entry);
    add_predicates(route, index, entry);
    const auto pattern = parse_path_pattern(route.path_pattern);
    if (!pattern) {
      report(fmt::format("routes[{}].path_pattern", index), pattern.error());
    } else {
      entry.first_capture = static_cast<std::uint32_t>(router_.captures_.size());
      entry.capture_count = static_cast<std::uint8_t>(pattern->captures.size());
      router_.captures_.insert(router_.captures_.end(), pattern->captures.begin(), pattern->captures.end());
    }
    const std::vector<RadixTree::Node> roots = roots_of(route, index);
    if (problems_.size() != problems_before) return;
    for (const RadixTree::Node root : roots) {
      const RadixTree::Leaf leaf = router_.tree_.insert(root, *pattern, static_cast<RadixTree::Leaf>(leaves_.size()));
      if (leaf == leaves_.size()) leaves_.emplace_back();
      leaves_[leaf].push_back(entry);
    }
  }

  void add_methods(const RouteKey& route, std::size_t index, Entry& entry) {
    if (route.methods.empty()) entry.methods = MethodTable::kAny;
    for (std::size_t j = 0; j < route.methods.size(); ++j) {
      const std::string& text = route.methods[j];
      const std::string path = fmt::format("routes[{}].http_methods[{}]", index, j);
      std::string upper = text;
      for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
      const http::Method upper_method = http::method_of(upper);
      if (upper_method == http::Method::trace || upper_method == http::Method::connect) {
        report(path, fmt::format("{} is never proxied", upper));
      } else if (upper != text && upper_method != http::Method::other) {
        report(path, fmt::format("\"{}\" is not a method: case matters", text), fmt::format("write {}", upper));
      } else if (const auto bit = router_.methods_.add(text); !bit) {
        report(path, fmt::format("\"{}\" is not a method, or one of more than {} that are not standard", text,
                                 MethodTable::kMaxCustom));
      } else if ((entry.methods & *bit) != 0) {
        report(path, fmt::format("{} stands here twice", text));
      } else {
        entry.methods |= *bit;
      }
    }
    if ((entry.methods & MethodTable::get()) != 0 && (entry.methods & MethodTable::head()) == 0) {
      entry.methods |= MethodTable::head();
      entry.head_implied = true;
    }
  }

  void add_predicates(const RouteKey& route, std::size_t index, Entry& entry) {
    for (std::size_t j = 0; j < route.predicates.size(); ++j) {
      const std::string path = fmt::format("routes[{}].predicates[{}]", index, j);
      const Predicate& predicate = route.predicates[j];
      if (predicate.name.empty()) report(path, "has no name");
      if (predicate.test == Predicate::Test::prefix && predicate.value.empty())
        report(path, "an empty prefix fits everything", "test for presence instead");
      for (std::size_t earlier = 0; earlier < j; ++earlier) {
        if (route.predicates[earlier] == predicate) report(path, "stands here twice");
        if (snapshot::disjoint(route.predicates[earlier], predicate))
          report(path, fmt::format("route \"{}\" can never match: {} and {} exclude each other", route.id,
                                   describe(route.predicates[earlier]), describe(predicate)));
      }
    }
    if (route.predicates.size() > kMaxSharingPattern)
      report(fmt::format("routes[{}].predicates", index), fmt::format("has more than {}", kMaxSharingPattern));
    entry.first_predicate = static_cast<std::uint32_t>(router_.predicates_.size());
    entry.predicate_count = static_cast<std::uint16_t>(route.predicates.size());
    router_.predicates_.insert(router_.predicates_.end(), route.predicates.begin(), route.predicates.end());
  }

  std::vector<RadixTree::Node> roots_of(const RouteKey& route, std::size_t index) {
    std::vector<RadixTree::Node> out;
    if (route.hosts.empty()) {
      if (router_.every_host_ == RadixTree::kNone) router_.every_host_ = router_.tree_.add_root();
      out.push_back(router_.every_host_);
    }
    for (std::size_t j = 0; j < route.hosts.size(); ++j) {
      const std::string path = fmt::format("routes[{}].hosts[{}]", index, j);
      const auto host = parse_host(route.hosts[j]);
      if (!host) {
        report(path, host.error());
        continue;
      }
      auto& hosts = host->wildcard ? router_.wildcard_ : router_.exact_;
      const auto [at, fresh] = hosts.try_emplace(host->name, 0);
      if (fresh) at->second = router_.tree_.add_root();
      if (host->wildcard) {
        const auto labels = static_cast<std::size_t>(std::ranges::count(host->name, '.')) + 1;
        router_.wildcard_labels_ = std::max(router_.wildcard_labels_, labels);
      }
      if (std::ranges::find(out, at->second) != out.end())
        report(path, fmt::format("{} stands here twice", route.hosts[j]));
      out.push_back(at->second);
    }
    return out;
  }

  // Orders the routes of one leaf, looks for ties and dead routes among them, and moves them into the router.
  void finish_leaf(std::vector<Entry>& leaf) {
    std::ranges::sort(leaf, [&](const Entry& a, const Entry& b) {
      if (a.predicate_count != b.predicate_count) return a.predicate_count > b.predicate_count;
      if (key(a.route).priority != key(b.route).priority) return key(a.route).priority > key(b.route).priority;
      if (a.head_implied != b.head_implied) return b.head_implied;
      return a.route < b.route;
    });
    if (leaf.size() > kMaxSharingPattern) {
      report(fmt::format("routes[{}].path_pattern", leaf.back().route),
             fmt::format("{} routes share the pattern {} and a host; the limit is {}", leaf.size(),
                         key(leaf.back().route).path_pattern, kMaxSharingPattern));
    } else {
      for (std::size_t later = 0; later < leaf.size(); ++later) compare_with_earlier(leaf, later);
    }
    router_.leaves_.push_back(
        {static_cast<std::uint32_t>(router_.entries_.size()), static_cast<std::uint32_t>(leaf.size())});
    router_.entries_.insert(router_.entries_.end(), leaf.begin(), leaf.end());
  }

  void compare_with_earlier(const std::vector<Entry>& leaf, std::size_t later) {
    const Entry& entry = leaf[later];
    MethodSet left = entry.methods;
    std::vector<std::int32_t> takers;
    for (std::size_t i = 0; i < later; ++i) {
      const Entry& earlier = leaf[i];
      if ((earlier.methods & entry.methods) == 0) continue;
      if (tied(earlier, entry)) ties_.insert(std::minmax(earlier.route, entry.route));
      if ((earlier.methods & left) != 0 && subset(key(earlier.route).predicates, key(entry.route).predicates)) {
        left &= ~earlier.methods;
        takers.push_back(earlier.route);
      }
    }
    Fate& fate = fates_[entry.route];
    fate.alive = fate.alive || left != 0;
    if (left == 0) fate.takers.insert(takers.begin(), takers.end());
  }

  // Nothing orders the two, and some request fits both. HEAD that only one of them lists is no tie: that one has it.
  bool tied(const Entry& a, const Entry& b) const {
    if (a.predicate_count != b.predicate_count || key(a.route).priority != key(b.route).priority) return false;
    MethodSet common = a.methods & b.methods;
    if (a.head_implied != b.head_implied) common &= ~MethodTable::head();
    return common != 0 && !disjoint(key(a.route).predicates, key(b.route).predicates);
  }

  void report_dead() {
    for (const auto& [first, second] : ties_) {
      report(fmt::format("routes[{}]", second),
             fmt::format("routes \"{}\" and \"{}\" take the same requests: equal hosts, path pattern \"{}\" and "
                         "predicates, and a "
                         "method in common",
                         key(first).id, key(second).id, key(second).path_pattern),
             "give one of them a higher priority, or take one out");
    }
    for (const auto& [route, fate] : fates_) {
      if (fate.alive ||
          std::ranges::any_of(ties_, [&](const auto& tie) { return tie.first == route || tie.second == route; }))
        continue;
      std::string names;
      for (const std::int32_t taker : fate.takers) {
        if (!names.empty()) names += "\" and \"";
        names += key(taker).id;
      }
      report(fmt::format("routes[{}]", route),
             fmt::format("route \"{}\" can never match: \"{}\" {} all its requests first", key(route).id, names,
                         fate.takers.size() == 1 ? "takes" : "take"),
             "change its priority, predicates or methods, or take it out");
    }
  }

  struct Fate {
    bool alive = false;             // gets something under at least one of its hosts
    std::set<std::int32_t> takers;  // the routes that take everything under the others
  };

  std::span<const RouteKey> keys_;
  Router router_;
  std::vector<std::vector<Entry>> leaves_;
  std::set<std::pair<std::int32_t, std::int32_t>> ties_;
  std::map<std::int32_t, Fate> fates_;
  Problems problems_;
};

std::expected<Router, Problems> Router::build(std::span<const RouteKey> keys) { return RouterBuild(keys).run(); }

}  // namespace weir::snapshot
