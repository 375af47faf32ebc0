// A secret that a filter needs, named in its config by where it is: in a file, in the environment or among the
// config's sealed `secrets`, never in the filter's config itself, which is shown, diffed and sent around. Called by
// make() only.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/json/fields.h"
#include "pipeline/make_context.h"

namespace weir::filters {

// `fields` has three optional strings, `name`_file, `name`_env and `name`_name. nullopt: none is written. A file's
// last line end is not part of the secret. Problems: several are written, the file cannot be read, the variable is
// not set, or what is there is empty or holds control characters.
std::expected<std::optional<std::string>, Problem> read_secret(const Fields& fields, std::string_view name,
                                                               pipeline::MakeContext& context);

}  // namespace weir::filters
