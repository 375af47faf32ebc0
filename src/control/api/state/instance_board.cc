#include "control/api/state/instance_board.h"

#include "control/api/message/time.h"

namespace weir::control::api {
namespace {

using Instance = InstanceBoard::Instance;
using Word = InstanceBoard::Word;

std::string_view text(ports::Receipt::State state) noexcept {
  switch (state) {
    case ports::Receipt::State::applied:
      return "applied";
    case ports::Receipt::State::refused:
      return "refused";
    case ports::Receipt::State::starting:
      break;
  }
  return "starting";
}

Json describe(const Instance& instance, std::string_view state) {
  const ports::Receipt& said = instance.receipt;
  Json out = Json::object();
  out.set("instance", said.instance).set("host", said.host).set("version", said.version).set("state", state);
  out.set("revision", static_cast<std::int64_t>(said.revision)).set("in_use", static_cast<std::int64_t>(said.in_use));
  if (!said.reason.empty()) out.set("reason", said.reason);
  out.set("at", time_text_ms(said.at_ms)).set("seen_at", time_text_ms(instance.seen_ms));
  return out;
}

}  // namespace

void InstanceBoard::heard(const ports::Receipt& receipt, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  const auto known = instances_.find(receipt.instance);
  if (known != instances_.end()) {
    known->second = {receipt, now_ms};
    return;
  }
  if (instances_.size() >= kMostInstances)
    std::erase_if(instances_, [&](const auto& one) { return now_ms - one.second.seen_ms > kForgottenAfterMs; });
  if (instances_.size() < kMostInstances) instances_.emplace(receipt.instance, Instance{receipt, now_ms});
}

void InstanceBoard::gone(std::string_view instance) {
  const std::lock_guard lock(mutex_);
  const auto found = instances_.find(instance);
  if (found != instances_.end()) instances_.erase(found);
}

std::vector<Instance> InstanceBoard::all(std::int64_t now_ms) const {
  std::vector<Instance> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, instance] : instances_) {
    const std::int64_t silent = now_ms - instance.seen_ms;
    if (silent > kForgottenAfterMs) continue;
    out.push_back(instance);
    out.back().away = silent > kAwayAfterMs;
  }
  return out;
}

Word InstanceBoard::of(const Instance& instance, std::uint64_t revision) noexcept {
  const ports::Receipt& said = instance.receipt;
  if (said.in_use >= revision && said.in_use != 0) return Word::applied;
  if (instance.away) return Word::away;
  // It judges in order and only the newest matters: a refusal of a later one leaves this one out for good, but says
  // nothing about it.
  if (said.state == ports::Receipt::State::refused && said.revision == revision) return Word::refused;
  return Word::waiting;
}

bool InstanceBoard::Status::reached(StatusWait::For what) const noexcept {
  if (what == StatusWait::For::quorum) return instances.empty() || applied * 2 > instances.size();
  return refused == 0 && waiting == 0;
}

InstanceBoard::Status InstanceBoard::status(std::uint64_t revision, std::int64_t now_ms) const {
  Status out;
  out.revision = revision;
  out.instances = all(now_ms);
  for (const Instance& instance : out.instances) {
    const Word word = of(instance, revision);
    out.words.push_back(word);
    ++(word == Word::applied   ? out.applied
       : word == Word::refused ? out.refused
       : word == Word::waiting ? out.waiting
                               : out.away);
  }
  return out;
}

std::string_view text(Word word) noexcept {
  switch (word) {
    case Word::applied:
      return "applied";
    case Word::refused:
      return "refused";
    case Word::waiting:
      return "waiting";
    case Word::away:
      break;
  }
  return "away";
}

Json to_json(const InstanceBoard::Status& status) {
  Json instances = Json::array();
  for (std::size_t i = 0; i < status.instances.size(); ++i)
    instances.push(describe(status.instances[i], text(status.words[i])));
  Json counts = Json::object();
  counts.set("applied", static_cast<std::int64_t>(status.applied));
  counts.set("refused", static_cast<std::int64_t>(status.refused));
  counts.set("waiting", static_cast<std::int64_t>(status.waiting));
  counts.set("away", static_cast<std::int64_t>(status.away));
  Json out = Json::object();
  out.set("number", static_cast<std::int64_t>(status.revision));
  out.set("state", text(status.refused != 0 ? Word::refused : status.waiting != 0 ? Word::waiting : Word::applied));
  out.set("complete", status.reached(StatusWait::For::all));
  out.set("counts", std::move(counts)).set("instances", std::move(instances));
  return out;
}

Json to_json(const std::vector<Instance>& instances) {
  Json items = Json::array();
  for (const Instance& instance : instances)
    items.push(describe(instance, instance.away ? "away" : text(instance.receipt.state)));
  return Json::object().set("items", std::move(items));
}

}  // namespace weir::control::api
