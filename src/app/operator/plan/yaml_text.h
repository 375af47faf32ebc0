// A value as YAML for people to keep in files and edit: block style, short lists of words in one line, text of
// several lines as such; whatever could be read as something else is quoted. adapters/yaml reads back exactly the
// same value. Used by dump. Pure.
#pragma once

#include <string>

#include "base/json/json.h"

namespace weir::remote {

std::string to_yaml(const Json& value);  // ends with a newline

}  // namespace weir::remote
