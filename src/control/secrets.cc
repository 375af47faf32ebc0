#include "control/secrets.h"

#include "crypto/secret.h"
#include "identity/seal.h"

namespace weir::control {
namespace {

std::unexpected<Findings> refuse(Kind kind, std::string_view name, std::string_view field, std::string message,
                                 std::string hint) {
  return std::unexpected(Findings{{.rule = "invalid",
                                   .kind = kind,
                                   .name = std::string(name),
                                   .field = std::string(field),
                                   .message = std::move(message),
                                   .hint = std::move(hint)}});
}

}  // namespace

std::expected<Json, Findings> sealed_body(Kind kind, std::string_view name, Json body, const Json* before,
                                          std::string_view master_key) {
  if (kind != Kind::secret && kind != Kind::certificate) return body;
  const std::string_view field = kind == Kind::secret ? "value" : "key";
  const Json* value = body.find(field);
  if (value == nullptr) return body;
  if (master_key.empty())
    return refuse(kind, name, field, "cannot be kept: the control plane has no master key",
                  "give it one with control.master_key_env or control.master_key_file");
  const std::string about = kind == Kind::secret ? identity::about_secret(name) : identity::about_certificate(name);
  std::string plain(value->as_string());
  if (identity::is_sealed(plain)) {
    auto opened = identity::unseal(plain, master_key, about);
    if (!opened)
      return refuse(kind, name, field, std::move(opened.error()),
                    "seal it anew for this name and this control plane, or give it in plain: it is sealed here");
    crypto::wipe(*opened);
    return body;
  }
  const Json* old = before == nullptr ? nullptr : before->find(field);
  auto known = old == nullptr ? std::expected<std::string, std::string>(std::unexpected(""))
                              : identity::unseal(old->as_string(), master_key, about);
  body.set(field,
           known && *known == plain ? std::string(old->as_string()) : identity::seal(plain, master_key, about));
  if (known) crypto::wipe(*known);
  crypto::wipe(plain);
  return body;
}

}  // namespace weir::control
