// docs/openapi.yaml as it was when this program was built (cmake/embed.cmake makes it code). Served at /openapi.yaml.
#pragma once

#include <string_view>

namespace weir::control::api {

std::string_view openapi_text() noexcept;

}  // namespace weir::control::api
