#include "identity/key_ring.h"

#include "crypto/digest.h"

namespace weir::identity {

KeyStates states_of(const KeySet& keys, std::int64_t now) noexcept {
  KeyStates out;
  const auto count = [&](const KeyTable::Entry& entry) {
    if (entry.revoked)
      ++out.revoked;
    else if (entry.disabled)
      ++out.disabled;
    else if (entry.expires != 0 && entry.expires <= now)
      ++out.expired;
    else
      ++out.live;
  };
  if (keys.changed)
    for (const KeyTable::Entry& entry : keys.changed->entries()) count(entry);
  if (keys.all)
    for (const KeyTable::Entry& entry : keys.all->entries())
      if (!keys.changed || keys.changed->find({entry.id.data(), entry.id.size()}) == nullptr) count(entry);
  return out;
}

KeyRing::Answer KeyRing::api_key(std::string_view id, std::string_view secret, std::int64_t now) {
  const Answer out = look_up(id, secret, now);
  ++counters_.outcomes[static_cast<std::size_t>(out.outcome)];
  return out;
}

// No answer is remembered: the HMAC of a secret takes as long as the hash that a cache would be asked by
// (docs/adr/0004-api-keys.md has the figures).
KeyRing::Answer KeyRing::look_up(std::string_view id, std::string_view secret, std::int64_t now) const {
  Answer out;
  if (!keys_ || !keys_->all || !keys_->pepper) return out;
  const KeyTable* table = keys_->changed.get();
  const KeyTable::Entry* entry = table != nullptr ? table->find(id) : nullptr;
  if (entry == nullptr) {
    table = keys_->all.get();
    entry = table->find(id);
  }
  out.outcome = Outcome::unknown;
  if (entry == nullptr) return out;
  // Whether the secret holds comes first: who does not have it learns nothing of the key.
  const crypto::Digest mac = (*keys_->pepper)(secret);
  bool holds = false, ended = false;
  for (std::size_t i = 0; i < entry->secret_count; ++i) {
    if (!crypto::equal_in_constant_time(mac, entry->hashes[i])) continue;
    const std::int64_t until = entry->secret_expires[i];
    (until == 0 || now < until ? holds : ended) = true;
  }
  if (!holds && !ended) {
    out.outcome = Outcome::wrong;
  } else if (entry->revoked) {
    out.outcome = Outcome::revoked;
  } else if (entry->disabled) {
    out.outcome = Outcome::disabled;
  } else if (!holds || (entry->expires != 0 && entry->expires <= now)) {
    out.outcome = Outcome::expired;
  } else {
    out.outcome = Outcome::good;
    out.id = {entry->id.data(), entry->id.size()};
    out.consumer = table->word(entry->consumer);
    out.custom_id = table->word(entry->custom_id);
    out.groups = table->list(entry->groups);
    out.scopes = table->list(entry->scopes);
    table->used(*entry, now);
  }
  return out;
}

}  // namespace weir::identity
