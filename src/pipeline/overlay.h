// The filters that consumers and groups of consumers have of their own, laid over a route's chain once it is known
// who calls. Exactly one filter of a name runs: a consumer's before its groups', before the route's, which compile
// has already put before its upstream's and those of all routes. Only configs that have such filters hold any of
// this; only requests of callers who have some cost more than a look-up. Exchange's thread.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "pipeline/filter.h"
#include "pipeline/identity.h"
#include "pipeline/origin.h"
#include "pipeline/route.h"

namespace weir::pipeline {

// One filter of a chain.
struct Step {
  const Filter* filter = nullptr;
  std::int16_t place = 0;  // by phase, then by rank: chains are sorted by it
  std::uint8_t name = 0;   // its FilterSpec's place in the table
  Origin origin = Origin::built_in;
  Hooks hooks;
};

std::int16_t place_of(const FilterSpec& spec) noexcept;

// Five times the filters there are. compile refuses to start with more.
inline constexpr std::size_t kMostFilterNames = 128;
using FilterNames = std::bitset<kMostFilterNames>;  // by Step::name

struct Overlay {
  std::vector<Step> steps;  // sorted by place, each name once
  FilterNames names;        // those of `steps`, and of filters that it only disables
};

// By the names of consumers and of groups. Part of the snapshot, immutable.
struct Overlays {
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  using ByName = std::unordered_map<std::string, Overlay, TextHash, std::equal_to<>>;
  ByName consumers;
  ByName groups;

  bool empty() const noexcept { return consumers.empty() && groups.empty(); }
};

// `below`, sorted by place, with what `caller` has of its own: what that names is taken out, what it brings stands
// behind the others of its place. Of two groups the first in the caller's list wins. Lives in `arena`; `below` itself
// if the caller has nothing.
std::span<const Step> lay_over(std::span<const Step> below, const Overlays& overlays, const Identity& caller,
                               Arena& arena);

// Stands in the chain of every route of a config with overlays, behind the auth filters and require_identity: there
// the way of a caller with filters of its own turns into a chain made for it alone.
class OverlayTurn final : public Filter {
 public:
  // `steps` is the route's whole chain, of which the turn stands before `boundary`. All must outlive it.
  OverlayTurn(const Overlays& overlays, std::vector<Step> steps, std::size_t boundary, const Execution* execution)
      : overlays_(overlays), steps_(std::move(steps)), boundary_(boundary), execution_(execution) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }
  Verdict on_request(Exchange& exchange) const override;

  std::size_t boundary() const noexcept { return boundary_; }

  // The chain of `caller`, for people: its steps from first to last.
  std::vector<Step> steps_for(const Identity& caller) const;

 private:
  std::span<const Step> before() const noexcept { return std::span(steps_).first(boundary_); }
  std::span<const Step> behind() const noexcept { return std::span(steps_).subspan(boundary_); }

  const Overlays& overlays_;
  std::vector<Step> steps_;
  std::size_t boundary_;
  const Execution* execution_;
};

}  // namespace weir::pipeline
