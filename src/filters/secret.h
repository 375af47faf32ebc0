// A secret that a filter needs, named in its config by where it is: in a file or in the environment, never in the
// config itself, which is shown, diffed and sent around. Called by make() only.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/fields.h"
#include "pipeline/make_context.h"

namespace weir::filters {

// `fields` has two optional strings, `name`_file and `name`_env. nullopt: neither is written. A file's last line end
// is not part of the secret. Problems: both are written, the file cannot be read, the variable is not set, or what
// is there is empty or holds control characters.
std::expected<std::optional<std::string>, Problem> read_secret(const Fields& fields, std::string_view name,
                                                               pipeline::MakeContext& context);

}  // namespace weir::filters
