#include "identity/consumer_book.h"

namespace weir::identity {
namespace {

std::string token_key(std::string_view issuer, std::string_view subject) {
  return std::string(issuer) + "\n" + std::string(subject);
}

}  // namespace

const Consumer* ConsumerBook::by_name(std::string_view name) const noexcept { return find(consumers_, name); }

const ConsumerBook::BasicUser* ConsumerBook::by_username(std::string_view username) const noexcept {
  return find(basic_, username);
}

const ConsumerBook::SigningKey* ConsumerBook::by_key_id(std::string_view key_id) const noexcept {
  return find(signing_, key_id);
}

const Consumer* ConsumerBook::by_certificate(const CertificateNames& names) const noexcept {
  if (const auto* found = find(fingerprints_, names.fingerprint)) return *found;
  for (const std::string_view san : names.sans)
    if (const auto* found = find(sans_, san)) return *found;
  const auto* found = find(subjects_, names.subject);
  return found == nullptr ? nullptr : *found;
}

const Consumer* ConsumerBook::by_token(std::string_view issuer, std::string_view subject) const noexcept {
  if (tokens_.empty()) return nullptr;
  if (const auto* found = find(tokens_, token_key(issuer, subject))) return *found;
  const auto* found = find(tokens_, token_key(issuer, {}));
  return found == nullptr ? nullptr : *found;
}

Consumer* ConsumerBookMaker::consumer(std::string_view name, std::string_view custom_id) {
  const auto [at, fresh] = book_.consumers_.try_emplace(std::string(name));
  if (!fresh) return nullptr;
  at->second.name = name;
  at->second.custom_id = custom_id;
  return &at->second;
}

void ConsumerBookMaker::group(Consumer& consumer, std::string_view name) {
  consumer.groups.push_back(book_.groups_.try_emplace(std::string(name)).first->first);
}

bool ConsumerBookMaker::basic(const Consumer& consumer, std::string_view username, PasswordHash hash) {
  const auto [at, fresh] = book_.basic_.try_emplace(std::string(username));
  if (fresh) {
    at->second = {&consumer, std::string(username), std::move(hash)};
  } else {
    taken_by_ = at->second.consumer->name;
  }
  return fresh;
}

bool ConsumerBookMaker::signing(const Consumer& consumer, std::string_view key_id, std::string secret) {
  const auto [at, fresh] = book_.signing_.try_emplace(std::string(key_id));
  if (fresh) {
    at->second = {&consumer, std::string(key_id), std::move(secret)};
  } else {
    taken_by_ = at->second.consumer->name;
  }
  return fresh;
}

bool ConsumerBookMaker::add(ConsumerBook::ByText<const Consumer*>& to, const Consumer& consumer,
                            std::string_view key) {
  const auto [at, fresh] = to.try_emplace(std::string(key), &consumer);
  if (!fresh) taken_by_ = at->second->name;
  return fresh;
}

bool ConsumerBookMaker::fingerprint(const Consumer& consumer, std::string_view hex) {
  return add(book_.fingerprints_, consumer, hex);
}

bool ConsumerBookMaker::san(const Consumer& consumer, std::string_view san) {
  return add(book_.sans_, consumer, san);
}

bool ConsumerBookMaker::subject(const Consumer& consumer, std::string_view subject) {
  return add(book_.subjects_, consumer, subject);
}

bool ConsumerBookMaker::token(const Consumer& consumer, std::string_view issuer, std::string_view subject) {
  return add(book_.tokens_, consumer, token_key(issuer, subject));
}

}  // namespace weir::identity
