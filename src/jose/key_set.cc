#include "jose/key_set.h"

#include "jose/jwk.h"
#include "jose/pem.h"

namespace weir::jose {

using Made = std::expected<std::shared_ptr<const KeySet>, std::string>;

Made KeySet::parse(std::string_view text, const KeyRules& rules) {
  const auto json = parse_json(text);
  if (!json) return std::unexpected("is no JSON: " + json.error().message);
  return from_json(*json, rules);
}

Made KeySet::from_json(const Json& json, const KeyRules& rules) {
  const Json* keys = json.find("keys");
  if (keys == nullptr || !keys->is_array())
    return std::unexpected(std::string("is no JWK set: it has no list \"keys\""));
  auto out = std::make_shared<KeySet>();
  std::vector<Named> bad;
  for (const Json& item : keys->items()) {
    const Json* kid = item.find("kid");
    std::string name(kid != nullptr ? kid->as_string() : std::string_view());
    if (out->keys_.size() + out->skipped_.size() == kMostKeys) {
      out->skipped_.push_back({std::move(name), "the set has more than 256 keys"});
      break;
    }
    auto key = read_jwk(item, rules);
    if (key) {
      out->add(std::move(*key));
    } else {
      if (!name.empty()) bad.push_back({name, claimed_algorithms(item, rules)});
      out->skipped_.push_back({std::move(name), std::move(key.error())});
    }
  }
  out->digest_ = crypto::sha256(to_canonical(json));
  out->leave_out_secrets();
  out->leave_out_twins(bad);
  return out;
}

Made KeySet::from_pem(std::string_view pem, const KeyRules& rules) {
  auto key = read_pem(pem, rules);
  if (!key) return std::unexpected(std::move(key.error()));
  auto out = std::make_shared<KeySet>();
  out->digest_ = crypto::sha256(pem);
  out->add(std::move(*key));
  return out;
}

Made KeySet::from_secret(std::string secret, AlgorithmSet algorithms) {
  for (std::size_t i = 0; i < kAlgorithms; ++i) {
    const AlgorithmInfo& about = info(static_cast<Algorithm>(i));
    if (algorithms.contains(about.algorithm) && secret.size() < about.digest_size)
      return std::unexpected("has " + std::to_string(secret.size()) + " bytes, " + std::string(about.name) +
                             " needs at least " + std::to_string(about.digest_size));
  }
  auto out = std::make_shared<KeySet>();
  out->digest_ = crypto::sha256(secret);
  out->add(Key::secret({}, algorithms, std::move(secret)));
  return out;
}

void KeySet::add(std::unique_ptr<const Key> key) {
  const auto at = std::ranges::upper_bound(keys_, key->kid(), {}, [](const auto& each) { return each->kid(); });
  keys_.insert(at, std::move(key));
}

void KeySet::leave_out_secrets() {
  const bool mixed = std::ranges::any_of(keys_, [](const auto& key) { return !key->is_secret(); });
  if (!mixed) return;
  std::erase_if(keys_, [this](const auto& key) {
    if (key->is_secret()) skipped_.push_back({key->kid(), "a secret in a set with public keys"});
    return key->is_secret();
  });
}

void KeySet::leave_out_twins(const std::vector<Named>& bad) {
  std::vector<bool> out(keys_.size(), false);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i]->kid().empty()) continue;
    for (const Named& other : bad)
      if (other.kid == keys_[i]->kid() && !(other.algorithms & keys_[i]->algorithms()).empty()) out[i] = true;
    for (std::size_t j = i + 1; j < keys_.size() && keys_[j]->kid() == keys_[i]->kid(); ++j) {
      if ((keys_[i]->algorithms() & keys_[j]->algorithms()).empty()) continue;
      out[j] = true;
      if (!keys_[i]->same_material(*keys_[j])) out[i] = true;
    }
  }
  std::size_t index = 0;
  std::erase_if(keys_, [&](const auto& key) {
    const bool gone = out[index++];
    if (gone) skipped_.push_back({key->kid(), "another key has the same kid"});
    return gone;
  });
}

KeySet::Candidates KeySet::find(std::string_view kid, Algorithm algorithm) const noexcept {
  Candidates out;
  const auto try_range = [&](auto first, auto last) {
    for (; first != last && out.count < kMostTries; ++first)
      if ((*first)->algorithms().contains(algorithm)) out.keys[out.count++] = first->get();
  };
  const auto named = [&](std::string_view name) {
    return std::ranges::equal_range(keys_, name, {}, [](const auto& key) { return std::string_view(key->kid()); });
  };
  auto range = named(kid);
  if (!kid.empty() && range.empty()) range = named({});
  if (kid.empty()) {
    try_range(keys_.begin(), keys_.end());
  } else {
    try_range(range.begin(), range.end());
  }
  const bool any = kid.empty() ? !keys_.empty() : !range.empty();
  out.found = out.count != 0 ? Found::some : any ? Found::other_algorithm : Found::unknown_kid;
  return out;
}

}  // namespace weir::jose
