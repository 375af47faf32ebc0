// RadixTree (radix_tree.h): building, and the hash table of literal edges.
#include "snapshot/router/radix_tree.h"

#include <algorithm>
#include <cstring>

namespace weir::snapshot {

std::uint32_t RadixTree::hash(Node parent, std::string_view segment) noexcept {
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: spreads every input bit upwards
  std::uint64_t sum = (std::uint64_t{parent} << 32 | segment.size()) * kMultiplier;
  const auto mix = [&](std::uint64_t word) {
    sum = (sum ^ word) * kMultiplier;
    sum ^= sum >> 29;
  };
  std::size_t left = segment.size();
  const char* at = segment.data();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  if (left != 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, left);
    mix(word);
  }
  return static_cast<std::uint32_t>(sum >> 32);
}

RadixTree::Node RadixTree::find(Node parent, std::string_view segment) const noexcept {
  const std::size_t mask = edges_.size() - 1;
  const std::uint32_t wanted = hash(parent, segment);
  for (std::size_t slot = wanted & mask;; slot = (slot + 1) & mask) {
    const Edge& edge = edges_[slot];
    if (edge.parent == kNone) return kNone;
    if (edge.hash == wanted && edge.parent == parent && edge.length == segment.size() &&
        std::memcmp(texts_.data() + edge.text, segment.data(), segment.size()) == 0)
      return edge.child;
  }
}

void RadixTree::grow() {
  std::vector<Edge> old(std::max<std::size_t>(16, edges_.size() * 2));
  old.swap(edges_);
  const std::size_t mask = edges_.size() - 1;
  for (const Edge& edge : old) {
    if (edge.parent == kNone) continue;
    std::size_t slot = edge.hash & mask;
    while (edges_[slot].parent != kNone) slot = (slot + 1) & mask;
    edges_[slot] = edge;
  }
}

RadixTree::Node RadixTree::add_edge(Node parent, std::string_view segment) {
  if ((edge_count_ + 1) * 2 > edges_.size()) grow();
  const Node child = add_node();
  branches_[parent].literals = true;
  const std::uint32_t key = hash(parent, segment);
  std::size_t slot = key & (edges_.size() - 1);
  while (edges_[slot].parent != kNone) slot = (slot + 1) & (edges_.size() - 1);
  edges_[slot] = {key, parent, child, static_cast<std::uint32_t>(texts_.size()),
                  static_cast<std::uint32_t>(segment.size())};
  texts_ += segment;
  ++edge_count_;
  return child;
}

RadixTree::Node RadixTree::add_node() {
  branches_.emplace_back();
  return static_cast<Node>(branches_.size() - 1);
}

RadixTree::Node RadixTree::add_root() { return add_node(); }

RadixTree::Leaf RadixTree::insert(Node root, const PathPattern& pattern, Leaf fresh) {
  Node node = root;
  for (const PatternSegment& segment : pattern.segments) {
    if (segment.kind == PatternSegment::Kind::rest) {
      Leaf& leaf = branches_[node].rest;
      return leaf = leaf == kNone ? fresh : leaf;
    }
    if (segment.kind == PatternSegment::Kind::literal) {
      const Node child = branches_[node].literals ? find(node, segment.text) : kNone;
      node = child != kNone ? child : add_edge(node, segment.text);
    } else {
      Node child = branches_[node].one;
      if (child == kNone) {
        child = add_node();
        branches_[node].one = child;
      }
      node = child;
    }
  }
  Leaf& leaf = branches_[node].end;
  return leaf = leaf == kNone ? fresh : leaf;
}

std::size_t RadixTree::worst_walk() const {
  // A path fits at most one literal edge of a node, and its `one` edge besides. Children have higher numbers than
  // their parents, so that one pass from the back sees every child before its parent.
  std::vector<Node> parent(branches_.size(), kNone);
  for (const Edge& edge : edges_) {
    if (edge.parent != kNone) parent[edge.child] = edge.parent;
  }
  std::vector<std::size_t> literal(branches_.size(), 0);
  std::vector<std::size_t> total(branches_.size(), 0);
  std::size_t worst = 0;
  for (std::size_t node = branches_.size(); node-- > 0;) {
    const Node one = branches_[node].one;
    total[node] = 1 + literal[node] + (one == kNone ? 0 : total[one]);
    worst = std::max(worst, total[node]);
    if (parent[node] != kNone) literal[parent[node]] = std::max(literal[parent[node]], total[node]);
  }
  return worst;
}

}  // namespace weir::snapshot
