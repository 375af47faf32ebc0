// What holds for every TLS connection of Weir, towards clients and towards upstreams: versions, modes, memory. Used
// by tls_server.cc and tls_client.cc while contexts are made. Which certificate to show or to trust is theirs to say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json/problem.h"
#include "io/tls/tls.h"

namespace weir::io {

// `min_version` is "1.2" or "1.3"; anything else is a Problem at "min_version". A Problem without a path when OpenSSL
// refuses one of our constants, which a distribution's crypto policy can bring about.
std::optional<Problem> set_tls_policy(SSL_CTX* context, const std::string& min_version);

// The Problem that something other than the operator's settings is in the way; drains OpenSSL's errors into it.
Problem refused_policy(std::string_view path);

}  // namespace weir::io
