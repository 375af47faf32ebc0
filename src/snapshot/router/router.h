// Which route takes a request: host, path, method and predicates against everything the config says, in one lookup
// that neither allocates nor locks. Built off the serving threads as part of a snapshot, then immutable and shared by
// all workers. It does not canonicalise (http/message/uri.h does, before), rewrite, or answer 404 and 405 itself.
//
// Precedence, strongest first. A route whose method or predicates do not fit steps aside for the next.
//  1. host: the exact name; then wildcards, the longest first ("*.a.example.com" before "*.example.com"; one or more
//     labels, never the bare suffix); then routes without hosts.
//  2. path, segment by segment from the left: a literal before `*` and `{name}`, these before `**`. The end of a
//  pattern
//     goes before a `**` that would match nothing. Hence exact before param before longer literal prefix before glob.
//  3. more predicates before fewer.
//  4. the higher `priority`.
//  5. for HEAD: a route that lists HEAD before one that takes it because it lists GET.
// What remains equal and could fit one request is an error, and so is a route that others with the same host and
// pattern leave nothing.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json/problem.h"
#include "http/message/fields.h"
#include "snapshot/router/method_table.h"
#include "snapshot/router/path_pattern.h"
#include "snapshot/router/predicate.h"
#include "snapshot/router/radix_tree.h"

namespace weir::snapshot {

// What the router needs to know of a route.
struct RouteKey {
  std::string id;                    // for messages
  std::vector<std::string> hosts;    // "shop.example.com", "*.example.com"; empty: every host
  std::string path_pattern;          // path_pattern.h
  std::vector<std::string> methods;  // empty: every method. GET brings HEAD along; nothing brings OPTIONS
  std::vector<Predicate> predicates;
  int priority = 0;
};

// What the router needs to know of a request. Views need only live during the call, `path` as long as the captures.
struct Lookup {
  std::string_view host;  // as http::parse_authority gives it
  std::string_view path;  // as http::canonicalize gives it; "*" fits no route
  std::string_view method;
  std::string_view query;  // raw, without '?'
  const http::Fields& fields;
};

struct Capture {
  std::string_view name;  // lives as long as the router
  std::string_view
      value;  // a piece of Lookup::path: canonical, so still percent-encoded; of `{name...}` perhaps empty
};

struct Match {
  enum class Outcome : std::uint8_t { found, no_path, wrong_method };

  Outcome outcome = Outcome::no_path;
  std::uint8_t capture_count = 0;
  std::int32_t route = -1;  // index into what build() got; for `found`
  MethodSet allowed = 0;    // for `wrong_method`: what the routes that fit but for the method take
  std::array<Capture, kMaxCaptures> captures;

  std::span<const Capture> captured() const noexcept { return {captures.data(), capture_count}; }
};

// One route whose host and path fit, and why it was passed over: empty for the one chosen.
struct Candidate {
  std::int32_t route = -1;
  std::string why_not;
};

class Router {
 public:
  Router() = default;  // no routes

  // Problems carry paths "routes[i].path_pattern", ".hosts[j]", ".http_methods[j]", ".predicates[j]" or "routes[i]".
  static std::expected<Router, Problems> build(std::span<const RouteKey> keys);

  Match match(const Lookup& lookup) const noexcept;

  // The Allow field for Match::allowed. Allocates: only on the way to a 405.
  std::string allow(MethodSet set) const { return methods_.text(set); }

  // Every route whose host and path fit, in order of precedence. For people; `keys` are those of build().
  std::vector<Candidate> explain(const Lookup& lookup, std::span<const RouteKey> keys) const;

 private:
  friend class RouterBuild;

  // One route under one host.
  struct Entry {
    MethodSet methods = 0;
    std::int32_t route = -1;
    std::uint32_t first_predicate = 0;
    std::uint32_t first_capture = 0;
    std::uint16_t predicate_count = 0;
    std::uint8_t capture_count = 0;
    bool head_implied = false;
  };
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  using Hosts = std::unordered_map<std::string, RadixTree::Node, TextHash, std::equal_to<>>;

  // Calls `visit(entry, trail)` in order of precedence for all whose host and path fit, until it returns true.
  template <class Visit>
  void for_each_candidate(const Lookup& lookup, Visit&& visit) const;
  bool predicates_fit(const Entry& entry, const Lookup& lookup) const noexcept;
  std::string why_not(const Entry& entry, const Lookup& lookup) const;

  MethodTable methods_;
  RadixTree tree_;
  Hosts exact_;
  Hosts wildcard_;                   // by suffix: "example.com"
  std::size_t wildcard_labels_ = 0;  // labels of the longest suffix: bounds the probes a hostile host name can cause
  RadixTree::Node every_host_ = RadixTree::kNone;
  std::vector<Range> leaves_;  // by RadixTree::Leaf
  std::vector<Entry> entries_;
  std::vector<Predicate> predicates_;
  std::vector<PatternCapture> captures_;
};

}  // namespace weir::snapshot
