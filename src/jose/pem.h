// A public key in PEM, as operators paste it: "PUBLIC KEY" (RFC 7468 §13) or the key of a "CERTIFICATE" (§5; its
// dates and its issuer are not looked at). Used by key_set.cc when a config is read.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "jose/key_set.h"

namespace weir::jose {

std::expected<std::unique_ptr<const Key>, std::string> read_pem(std::string_view pem, const KeyRules& rules);

}  // namespace weir::jose
