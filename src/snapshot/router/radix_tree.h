// A radix tree whose digit is one path segment: from a root, edges lead by literal text, by "any one segment" or into
// "the rest". The router keeps one tree with a root per host. Built once off the serving threads, then immutable and
// read by all workers at once. It knows nothing of methods, predicates or routes: a leaf is a number that the router
// understands.
//
// Literal edges of all nodes share one open-addressing hash table keyed by (node, segment), so that a lookup costs
// one probe per segment whether a node has 2 children or 50,000, and does not depend on the order of insertion. A
// request cannot add to the table, so that it cannot make its chains long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/router/path_pattern.h"

namespace weir::snapshot {

class RadixTree {
 public:
  using Node = std::uint32_t;
  using Leaf = std::uint32_t;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // Where the segments of the path at hand begin, as far as the walk has come. Segment i ends before begin[i + 1] -
  // 1; one that begins at path.size() + 1 does not exist.
  struct Trail {
    std::array<std::uint32_t, kMaxPatternSegments + 1> begin;

    std::string_view segment(std::string_view path, std::size_t i) const noexcept {
      return path.substr(begin[i], begin[i + 1] - 1 - begin[i]);
    }
    std::string_view rest(std::string_view path, std::size_t i) const noexcept {
      return begin[i] > path.size() ? std::string_view{} : path.substr(begin[i]);
    }
  };

  Node add_root();

  // The leaf of `pattern` under `root`: `fresh` if the pattern, names of captures aside, is new there.
  Leaf insert(Node root, const PathPattern& pattern, Leaf fresh);

  // Calls `accept(leaf)` for every leaf whose pattern fits `path`, the most specific first, until one returns true;
  // returns whether one did. More specific is decided by segments from the left: literal before one before rest, and
  // an end before rest. During a call `trail` holds the segments up to that leaf. `path` begins with '/'; else
  // nothing fits.
  //
  // Backtracking is bounded: a node is entered by one path of edges only, hence at most once per walk, and never more
  // than worst_walk() nodes in all, whatever the path.
  template <class Accept>
  bool walk(Node root, std::string_view path, Trail& trail, Accept&& accept) const {
    if (!path.starts_with('/')) return false;
    return visit(root, path, 0, 1, trail, accept);
  }

  // The most nodes one walk can enter, from whichever root. Cold: looks at the whole tree.
  std::size_t worst_walk() const;

 private:
  struct Branch {
    Node one = kNone;
    Leaf end = kNone;
    Leaf rest = kNone;
    bool literals = false;  // has at least one literal edge: without, the probe is saved
  };

  struct Edge {
    std::uint32_t hash = 0;
    Node parent = kNone;  // kNone: the slot is free
    Node child = kNone;
    std::uint32_t text = 0;  // offset into texts_
    std::uint32_t length = 0;
  };

  template <class Accept>
  bool visit(Node node, std::string_view path, std::size_t depth, std::size_t begin, Trail& trail,
             Accept& accept) const {
    const Branch& branch = branches_[node];
    trail.begin[depth] = static_cast<std::uint32_t>(begin);
    if (begin > path.size()) {
      if (branch.end != kNone && accept(branch.end)) return true;
    } else {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      if (branch.literals) {
        const Node child = find(node, path.substr(begin, end - begin));
        if (child != kNone && visit(child, path, depth + 1, end + 1, trail, accept)) return true;
      }
      if (branch.one != kNone && end != begin && visit(branch.one, path, depth + 1, end + 1, trail, accept))
        return true;
    }
    return branch.rest != kNone && accept(branch.rest);
  }

  static std::uint32_t hash(Node parent, std::string_view segment) noexcept;
  Node find(Node parent, std::string_view segment) const noexcept;
  Node add_edge(Node parent, std::string_view segment);
  void grow();
  Node add_node();

  std::vector<Branch> branches_;
  std::vector<Edge> edges_;  // size a power of two, at most half full
  std::size_t edge_count_ = 0;
  std::string texts_;
};

}  // namespace weir::snapshot
