// What files of an operator say: the objects in them, each with its place, so that every later complaint can point
// there. The form is that of a config file (docs/configuration.md); what belongs to one gateway (listeners, redis, …)
// is left out and told. Used by apply and diff. Blocking; the command's thread.
#pragma once

#include <expected>
#include <set>
#include <string>
#include <vector>

#include "base/json/json.h"
#include "control/model.h"
#include "pipeline/filter.h"

namespace weir::remote {

struct FileObject {
  control::Kind kind = control::Kind::route;
  std::string name;
  Json body;         // as the admin API takes it: a policy's and a group's is an object
  std::string file;  // as named on the command line
  Position position;
};

struct ObjectFiles {
  std::vector<FileObject> objects;  // in the order of the files; policies in the order they are passed
  std::set<control::Kind> kinds;    // the sections there are, empty ones too
  std::vector<std::string> notices;
};

// `paths`: files, "-" for standard input, folders (all *.yaml, *.yml and *.json in them and below, in the order of
// their names; names that begin with a dot are left out). The errors are whole lines, "routes.yaml:12:5: …".
std::expected<ObjectFiles, std::vector<std::string>> read_object_files(const std::vector<std::string>& paths,
                                                                       pipeline::FilterTable filters);

// The member of a file that holds objects of that kind: "routes", and "plugin_chain" for policies.
std::string_view section(control::Kind kind) noexcept;

// The object's name: its route_id or name, or the string that it is.
std::string_view name_in(control::Kind kind, const Json& body) noexcept;

// "routes.yaml:12"
std::string place_text(const FileObject& object);

}  // namespace weir::remote
