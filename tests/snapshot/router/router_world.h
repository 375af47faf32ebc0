// Route sets and requests made from a stream of small numbers: random ones in the property test, the fuzzer's bytes
// in fuzz/router_fuzz.cc. The vocabulary is tiny, so that patterns collide all the time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "linear_router.h"

namespace weir::snapshot {

// Gives a number below its argument.
using Choice = std::function<std::size_t(std::size_t)>;

inline std::string choose(const Choice& choice, std::initializer_list<const char*> words) {
  return words.begin()[choice(words.size())];
}

inline RouteKey make_route(const Choice& choice, std::size_t index) {
  RouteKey key;
  key.id = "r" + std::to_string(index);
  if (choice(3) == 0) {
    for (std::size_t i = 1 + choice(2); i > 0; --i) {
      const std::string host = choose(choice, {"a.com", "b.a.com", "*.a.com", "*.b.a.com", "*.com", "c.b.a.com"});
      if (std::ranges::find(key.hosts, host) == key.hosts.end()) key.hosts.push_back(host);
    }
  }
  const std::size_t depth = choice(5);
  for (std::size_t i = 0; i < depth; ++i) {
    const std::size_t kind = choice(8);
    key.path_pattern += '/';
    if (kind == 0) key.path_pattern += "*";
    if (kind == 1 || kind == 2) key.path_pattern += "{v" + std::to_string(i) + "}";
    if (kind > 2) key.path_pattern += choose(choice, {"a", "b", "ab", "a-long-segment-of-many-bytes"});
  }
  key.path_pattern += choose(choice, {"", "/", "/**", "/{rest...}"});
  if (key.path_pattern.empty()) key.path_pattern = "/";
  for (const char* method : {"GET", "POST", "HEAD", "PURGE"}) {
    if (choice(3) == 0) key.methods.emplace_back(method);
  }
  for (std::size_t i = choice(6); i > 3; --i) {
    Predicate predicate;
    predicate.source = choice(2) == 0 ? Predicate::Source::header : Predicate::Source::query;
    predicate.test = static_cast<Predicate::Test>(choice(3));
    predicate.name = choose(choice, {"x", "y"});
    if (predicate.test != Predicate::Test::present) predicate.value = choose(choice, {"1", "12", "2"});
    key.predicates.push_back(predicate);
  }
  key.priority = static_cast<int>(choice(3));
  return key;
}

struct WorldRequest {
  std::string host, path, method, query;
  http::Fields fields;
  Lookup lookup() const { return {host, path, method, query, fields}; }
};

inline WorldRequest make_request(const Choice& choice) {
  WorldRequest out;
  out.host = choose(choice, {"", "a.com", "b.a.com", "c.b.a.com", "d.c.b.a.com", "com", "x.com", "org", "xa.com"});
  const std::size_t depth = 1 + choice(5);
  for (std::size_t i = 0; i < depth; ++i)
    out.path += "/" + choose(choice, {"a", "a", "b", "b", "ab", "z", "a-long-segment-of-many-bytes"});
  out.path += choose(choice, {"", "", "/"});
  if (choice(12) == 0) out.path = choose(choice, {"/", "*", "", "//"});
  out.method = choose(choice, {"GET", "POST", "HEAD", "PURGE", "OPTIONS", "BREW"});
  out.query = choose(choice, {"", "x=1", "y=12&x=2", "%78=1%32", "x", "z=1&y=2"});
  if (choice(2) == 0) out.fields.append(choose(choice, {"X", "y"}) == "X" ? "X" : "y", "12");
  return out;
}

// A set of routes that build() accepts: those it complains about are taken out, until it does not. Returns what is
// wrong with a complaint, or an empty string.
inline std::string make_buildable(std::vector<RouteKey>& keys, Router& out) {
  for (;;) {
    auto built = Router::build(keys);
    if (built) {
      out = std::move(*built);
      return "";
    }
    std::set<std::size_t> blamed;
    for (const Problem& problem : built.error()) {
      if (!problem.path.starts_with("routes[")) return "problem without a route: " + problem.message;
      blamed.insert(std::stoul(problem.path.substr(7)));
    }
    if (blamed.empty() || *blamed.rbegin() >= keys.size()) return "a refusal that blames no route";
    for (auto i = blamed.rbegin(); i != blamed.rend(); ++i)
      keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(*i));
  }
}

}  // namespace weir::snapshot
