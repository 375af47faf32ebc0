// The words of the kinds of credentials: in the access log and in docs. Any thread.
#include "pipeline/identity.h"

namespace weir::pipeline {

std::string_view text(CredentialKind kind) noexcept {
  switch (kind) {
    case CredentialKind::none:
      return "";
    case CredentialKind::api_key:
      return "api_key";
    case CredentialKind::jwt:
      return "jwt";
    case CredentialKind::oauth2:
      return "oauth2";
    case CredentialKind::mtls:
      return "mtls";
    case CredentialKind::basic:
      return "basic";
    case CredentialKind::hmac:
      return "hmac";
    case CredentialKind::forward_auth:
      return "forward_auth";
  }
  return "";
}

}  // namespace weir::pipeline
