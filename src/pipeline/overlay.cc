#include "pipeline/overlay.h"

#include <algorithm>
#include <array>

#include "pipeline/exchange.h"

namespace weir::pipeline {
namespace {

// As many groups as a consumer may have (snapshot/schema/consumers_schema.cc), and the consumer itself; a token may
// claim more, of which the first count.
constexpr std::size_t kMostLayers = 65;

const Overlay* find(const Overlays::ByName& overlays, std::string_view name) noexcept {
  if (overlays.empty()) return nullptr;
  const auto at = overlays.find(name);
  return at == overlays.end() ? nullptr : &at->second;
}

// The caller's own filters, chosen and in the order they run.
struct Chosen {
  std::array<const Step*, kMostFilterNames> steps;
  std::size_t count = 0;
  FilterNames names;  // also of those only disabled

  std::span<const Step* const> list() const noexcept { return {steps.data(), count}; }
};

void choose(const Overlays& overlays, const Identity& caller, Chosen& out) {
  struct Layer {
    const Overlay* overlay;
    FilterNames hidden;  // by stronger layers
  };
  std::array<Layer, kMostLayers> layers;
  std::size_t count = 0;
  const auto add = [&](const Overlay* overlay) {
    if (overlay == nullptr || count == kMostLayers) return;
    layers[count++] = {overlay, out.names};
    out.names |= overlay->names;
  };
  add(find(overlays.consumers, caller.consumer));
  if (!overlays.groups.empty())
    for (const std::string_view group : caller.groups) add(find(overlays.groups, group));
  // The weakest first, so that of one place the consumer's stand last; each put behind its equals.
  for (std::size_t i = count; i-- > 0;) {
    for (const Step& step : layers[i].overlay->steps) {
      if (layers[i].hidden.test(step.name)) continue;
      std::size_t at = out.count++;
      for (; at > 0 && out.steps[at - 1]->place > step.place; --at) out.steps[at] = out.steps[at - 1];
      out.steps[at] = &step;
    }
  }
}

// The filters of one hook, taken from `steps` one after the other.
class List {
 public:
  List(Arena& arena, std::size_t most) : items_(arena.array<const Filter*>(most)) {}
  void add(const Step& step) noexcept { items_[count_++] = step.filter; }
  FilterList list() const noexcept { return {items_, count_}; }

 private:
  const Filter** items_;
  std::size_t count_ = 0;
};

}  // namespace

std::string_view text(Origin origin) noexcept {
  switch (origin) {
    case Origin::built_in:
      return "built in";
    case Origin::global:
      return "global";
    case Origin::upstream:
      return "upstream";
    case Origin::route:
      return "route";
    case Origin::group:
      return "group";
    case Origin::consumer:
      return "consumer";
  }
  return "";
}

std::int16_t place_of(const FilterSpec& spec) noexcept {
  // Ranks are small; what matters is that they stay within their phase.
  return static_cast<std::int16_t>(static_cast<int>(spec.phase) * 256 + std::clamp(spec.rank, -100, 100));
}

std::span<const Step> lay_over(std::span<const Step> below, const Overlays& overlays, const Identity& caller,
                               Arena& arena) {
  if (!caller.known()) return below;
  if (overlays.groups.empty() && find(overlays.consumers, caller.consumer) == nullptr) return below;
  Chosen own;
  choose(overlays, caller, own);
  if (own.names.none()) return below;
  Step* const out = arena.array<Step>(below.size() + own.count);
  std::size_t count = 0;
  auto mine = own.list().begin();
  for (const Step& step : below) {
    if (own.names.test(step.name)) continue;
    for (; mine != own.list().end() && (*mine)->place < step.place; ++mine) out[count++] = **mine;
    out[count++] = step;
  }
  for (; mine != own.list().end(); ++mine) out[count++] = **mine;
  return {out, count};
}

Verdict OverlayTurn::on_request(Exchange& exchange) const {
  Arena& arena = exchange.arena;
  const std::span<const Step> rest = lay_over(behind(), overlays_, exchange.auth.identity, arena);
  if (rest.data() == behind().data()) return Verdict::next();
  List request(arena, rest.size()), response(arena, before().size() + rest.size()),
      finish(arena, before().size() + rest.size());
  for (const Step& step : rest)
    if (step.hooks.request) request.add(step);
  for (const std::span<const Step> part : {rest, before()})
    for (std::size_t i = part.size(); i-- > 0;)
      if (part[i].hooks.response) response.add(part[i]);
  for (const std::span<const Step> part : {before(), rest})
    for (const Step& step : part)
      if (step.hooks.finish) finish.add(step);
  Chain* const chain = arena.array<Chain>(1);
  *chain = {request.list(), response.list(), finish.list(), execution_};
  exchange.chain = chain;
  return Verdict::turn();
}

std::vector<Step> OverlayTurn::steps_for(const Identity& caller) const {
  Arena arena;
  std::vector<Step> out(before().begin(), before().end());
  const std::span<const Step> rest = lay_over(behind(), overlays_, caller, arena);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

}  // namespace weir::pipeline
