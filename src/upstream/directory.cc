// The table of watched host names (directory.h).
#include "upstream/directory.h"

#include <algorithm>

namespace weir::upstream {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void normalize(std::vector<IpAddress>& addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.size() > kAddressesPerName) addresses.resize(kAddressesPerName);
}

}  // namespace

Directory::Directory(ports::NameResolver& resolver, std::function<void()> wake)
    : resolver_(resolver), inbox_(std::make_shared<Inbox>()) {
  inbox_->wake = std::move(wake);
}

Directory::~Directory() = default;

bool Directory::watch(std::string_view name) {
  if (IpAddress::parse(name)) return false;
  const auto [found, added] = entries_.try_emplace(lower(name));
  ++found->second.watchers;
  if (added) due_.emplace(found->second.due, found->first);
  return true;
}

void Directory::unwatch(std::string_view name) {
  const auto found = entries_.find(lower(name));
  if (found == entries_.end() || --found->second.watchers > 0) return;
  due_.erase({found->second.due, found->first});
  entries_.erase(found);
}

io::TimePoint Directory::poll(io::TimePoint now) {
  // Asking first and taking after would leave an answer that comes at once for the next call.
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto found = entries_.find(due_.begin()->second);
    ask(found->first, found->second);
  }
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(inbox_->mutex);
    answers.swap(inbox_->answers);
  }
  for (Answer& answer : answers) take(answer, now);
  return due_.empty() ? io::kNever : due_.begin()->first;
}

void Directory::ask(const std::string& name, Entry& entry) {
  due_.erase({entry.due, name});
  entry.due = io::kNever;
  entry.query = ++last_query_;
  resolver_.resolve(name, [inbox = inbox_, name, query = entry.query](Result<ports::Addresses> result) {
    {
      const std::lock_guard lock(inbox->mutex);
      inbox->answers.push_back({name, query, std::move(result)});
    }
    inbox->wake();
  });
}

void Directory::take(Answer& answer, io::TimePoint now) {
  const auto found = entries_.find(answer.name);
  // The name was let go meanwhile, and perhaps watched anew: that one has a question of its own.
  if (found == entries_.end() || found->second.query != answer.query) return;
  Entry& entry = found->second;
  entry.query = 0;
  if (!answer.result || answer.result->addresses.empty()) {
    ++failures_;
    entry.error = answer.result ? "the name has no address" : answer.result.error().detail;
    if (entry.error.empty()) entry.error = "the name does not resolve";
    schedule(found->first, entry, now + entry.retry);
    entry.retry = std::min(2 * entry.retry, kTtlFloor);
    return;
  }
  entry.error = {};
  entry.retry = kFirstRetry;
  schedule(found->first, entry, now + std::clamp(answer.result->ttl, kTtlFloor, kTtlCeiling));
  normalize(answer.result->addresses);
  if (answer.result->addresses == entry.addresses) return;
  entry.addresses = std::move(answer.result->addresses);
  ++changes_;
  for (const Changed& changed : subscribers_) changed(found->first, entry.addresses);
}

void Directory::schedule(const std::string& name, Entry& entry, io::TimePoint due) {
  entry.due = due;
  due_.emplace(due, name);
}

std::span<const IpAddress> Directory::addresses(std::string_view name) const {
  const auto found = entries_.find(lower(name));
  if (found == entries_.end()) return {};
  return found->second.addresses;
}

std::string_view Directory::last_error(std::string_view name) const {
  const auto found = entries_.find(lower(name));
  return found == entries_.end() ? std::string_view() : found->second.error;
}

Directory::Counts Directory::counts() const {
  Counts counts;
  counts.watched = entries_.size();
  counts.failures = failures_;
  counts.changes = changes_;
  for (const auto& [name, entry] : entries_) {
    if (entry.addresses.empty()) {
      ++counts.unresolved;
    } else if (!entry.error.empty()) {
      ++counts.stale;
    }
  }
  return counts;
}

}  // namespace weir::upstream
