#include "adapters/redis/cluster.h"

#include <algorithm>
#include <charconv>

namespace weir::adapters::redis {
namespace {

// With nothing amiss the map is asked for once a minute, for the rare change that no command has stumbled over.
constexpr io::Duration kRefreshEach = std::chrono::seconds(60);
// While something is amiss: often enough that a failover is noticed within half a second of its end.
constexpr io::Duration kDoubtEach = std::chrono::milliseconds(250);
// The map of a large cluster is some 100 KB.
constexpr io::Duration kAnswerIn = std::chrono::seconds(1);

std::string_view next_word(std::string_view& text) noexcept {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

template <class Number>
bool parse(std::string_view text, Number& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::optional<Redirect> parse_redirect(std::string_view error, const Place& from) {
  Redirect out;
  const std::string_view code = next_word(error);
  if (code != "MOVED" && code != "ASK") return std::nullopt;
  out.ask = code == "ASK";
  if (!parse(next_word(error), out.slot) || out.slot >= kSlots) return std::nullopt;
  const std::string_view endpoint = next_word(error);
  const std::size_t colon = endpoint.rfind(':');  // an IPv6 address comes without brackets
  if (colon == std::string_view::npos || !parse(endpoint.substr(colon + 1), out.place.port)) return std::nullopt;
  out.place.host = endpoint.substr(0, colon);
  if (out.place.host.empty() || out.place.host == "?") out.place.host = from.host;
  return out;
}

Cluster::Cluster(Shared& shared) : shared_(shared), bell_(shared.loop) {
  owners_.fill(kNobody);
  add_seeds();
  tasks_.spawn(keep_map());
}

Cluster::~Cluster() = default;

std::uint16_t Cluster::node_at(const Place& place) {
  std::size_t free = nodes_.size();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]) {
      free = i;
    } else if (nodes_[i]->place == place) {
      return static_cast<std::uint16_t>(i);
    }
  }
  if (free >= kNodes) return kNobody;
  if (free == nodes_.size()) nodes_.emplace_back();
  auto node = std::make_unique<Node>(place);
  Node& made = *node;
  nodes_[free] = std::move(node);
  made.link = std::make_unique<Link>(shared_, made, Opening::Purpose::node);
  return static_cast<std::uint16_t>(free);
}

void Cluster::add_seeds() {
  for (const Place& place : shared_.settings->places) node_at(place);
}

Link* Cluster::route(std::string_view key) const noexcept {
  if (!key.empty()) {
    const std::uint16_t owner = owners_[slot_of(key)];
    return owner == kNobody ? nullptr : nodes_[owner]->link.get();
  }
  for (const auto& node : nodes_) {
    if (node && node->masters && node->link && node->link->usable()) return node->link.get();
  }
  return nullptr;
}

Link* Cluster::follow(const Redirect& redirect) {
  const std::uint16_t node = node_at(redirect.place);
  if (node == kNobody) return nullptr;
  if (!redirect.ask) {
    owners_[redirect.slot] = node;
    nodes_[node]->masters = true;
    doubt();
  }
  return nodes_[node]->link.get();
}

bool Cluster::usable() const noexcept {
  return std::ranges::any_of(
      nodes_, [](const auto& node) { return node && node->masters && node->link && node->link->usable(); });
}

std::string Cluster::last_error() const {
  for (const auto& node : nodes_) {
    if (node && !node->link->last_error().empty()) return node->link->last_error();
  }
  return {};
}

void Cluster::doubt() noexcept { bell_.ring(); }

io::Task<void> Cluster::keep_map() {
  while (!ending_) {
    forget_retired();
    bool learned = false;
    for (std::size_t tried = 0; tried < nodes_.size() && !learned && !ending_; ++tried) {
      Node* node = nodes_[next_++ % nodes_.size()].get();
      if (node && node->link->usable()) learned = co_await learn_from(*node->link);
    }
    if (ending_) break;
    if (!learned) add_seeds();
    const bool amiss = !learned || std::ranges::any_of(nodes_, [](const auto& node) {
      return node && node->masters && !node->link->ready();
    });
    // At most one map per kDoubtEach, whatever doubts there are.
    const io::TimePoint earliest = shared_.loop.now() + kDoubtEach;
    if (!amiss) co_await bell_.wait(shared_.loop.now() + kRefreshEach);
    while (!ending_ && shared_.loop.now() < earliest) co_await bell_.wait(earliest);
  }
}

io::Task<bool> Cluster::learn_from(Link& link) {
  static constexpr std::string_view kSlotsOf[] = {"CLUSTER", "SLOTS"};
  const Place from = link.place();
  const Answer answer = co_await Exchange(link, kSlotsOf, shared_.loop.refresh() + kAnswerIn);
  co_return !ending_ && answer && apply(*answer, from);
}

// CLUSTER SLOTS: [[first, last, [master's address, port, id, ...], replica...]...]
bool Cluster::apply(const Reply& slots, const Place& from) {
  if (slots.size() == 0) return false;
  std::array<std::uint16_t, kSlots> owners;
  owners.fill(kNobody);
  std::vector<bool> wanted(kNodes, false);
  for (const Value range : slots) {
    const std::int64_t first = range[0].integer(), last = range[1].integer();
    const Value master = range[2];
    const std::int64_t port = master[1].integer();
    if (first < 0 || last >= kSlots || port <= 0 || port > 65535) return false;
    Place place{std::string(master[0].text()), static_cast<std::uint16_t>(port)};
    if (place.host.empty() || place.host == "?") place.host = from.host;
    const std::uint16_t node = node_at(place);
    if (node == kNobody) return false;
    wanted[node] = true;
    for (std::int64_t slot = first; slot <= last; ++slot) owners[static_cast<std::size_t>(slot)] = node;
  }
  owners_ = owners;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]) continue;
    nodes_[i]->masters = wanted[i];
    if (wanted[i]) continue;
    nodes_[i]->link->end();
    retired_.push_back(std::move(nodes_[i]));
  }
  shared_.changed(*nodes_[owners_[static_cast<std::size_t>(slots[0][0].integer())]]->link, "the cluster is known");
  return true;
}

void Cluster::forget_retired() {
  std::erase_if(retired_, [](const auto& node) { return node->link->ended(); });
}

void Cluster::end() {
  if (std::exchange(ending_, true)) return;
  bell_.ring();
  for (const auto& node : nodes_) {
    if (node) node->link->end();
  }
}

bool Cluster::ended() const noexcept {
  const auto gone = [](const auto& node) { return !node || node->link->ended(); };
  return tasks_.running() == 0 && std::ranges::all_of(nodes_, gone) && std::ranges::all_of(retired_, gone);
}

}  // namespace weir::adapters::redis
