// A document: the config as a value, whatever file or channel it came by. Its canonical bytes are what is
// hashed, signed and distributed. Used by compile and by commands that point into a document. Pure functions, any
// thread; loading a file is app/host/config_source's.
#pragma once

#include <string>
#include <string_view>

#include "base/json/json.h"

namespace weir::snapshot {

// SHA-256 of the canonical bytes, in hex. Order of members, white space and comments do not count.
std::string digest(const Json& document);

// Where `path` ("certificates[1].key_file") stands below `root`: the deepest value on the way that exists.
Position position_at(const Json& root, std::string_view path);

// A file named in a document: as it stands if absolute, else below the folder of the file that names it, so that a
// config means the same whatever the working directory.
std::string resolve_file(std::string_view base_dir, std::string_view file);

// "a" + ".b" and "a" + "[0]" as paths of Problems are written; either may be empty.
std::string join_path(std::string_view above, std::string_view below);

}  // namespace weir::snapshot
