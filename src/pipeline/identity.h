// Who calls, as the auth filters found out and everything behind them believes: require_identity, limits, canary,
// templates, the access log and the fields sent upstream. Part of the exchange; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"

namespace weir::pipeline {

enum class CredentialKind : std::uint8_t { none, api_key, jwt, oauth2, mtls, basic, hmac, forward_auth };

std::string_view text(CredentialKind kind) noexcept;  // "api_key"; empty for none

// All views live as long as the exchange: in its arena, in the snapshot, or in a table the exchange holds.
struct Identity {
  CredentialKind kind = CredentialKind::none;  // none: anonymous, and everything else is empty
  std::string_view consumer;    // who calls: what limits, canary, ACLs and the log go by. Never empty if kind is set
  std::string_view custom_id;   // the operator's own name for the consumer
  std::string_view user;        // whom the consumer acts for (a token's subject); X-User-Id
  std::string_view credential;  // which of the consumer's credentials: a key's or token's id, never a secret
  std::span<const std::string_view> groups;
  std::span<const std::string_view> scopes;

  bool known() const noexcept { return kind != CredentialKind::none; }
};

// What the auth filters of one exchange have established. The first credential that holds wins; one that does not
// hold is remembered, and require_identity refuses with it. A route that requires nobody goes on as anonymous.
class Authentication {
 public:
  Identity identity;
  Error failure{Reason::ok, {}};  // of the first credential that was presented and did not hold

  // One challenge per auth filter that would have accepted something (RFC 9110 §11.6.1): a WWW-Authenticate value
  // that lives as long as the exchange. Beyond kMostChallenges they are left out.
  static constexpr std::size_t kMostChallenges = 8;
  void challenge(std::string_view value) noexcept {
    if (count_ < kMostChallenges) challenges_[count_++] = value;
  }
  std::span<const std::string_view> challenges() const noexcept { return {challenges_.data(), count_}; }

  void establish(const Identity& found) noexcept {
    if (!identity.known()) identity = found;
  }
  void fail(Reason reason, std::string_view detail) noexcept {
    if (failure.reason == Reason::ok) failure = {reason, detail};
  }

 private:
  std::array<std::string_view, kMostChallenges> challenges_;
  std::size_t count_ = 0;
};

}  // namespace weir::pipeline
