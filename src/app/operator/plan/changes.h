// What must be done to the draft so that it says what the files say. Pure: the files' objects and the draft's objects
// in, changes out. Used by apply and diff.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "app/operator/plan/object_files.h"

namespace weir::remote {

// One object as the admin API gives it, taken apart.
struct DraftObject {
  control::Kind kind = control::Kind::route;
  std::string name;
  Json body;  // without `_meta`
  std::int64_t version = 0;
};
// `item`: of a collection. The version is 0 if it carries none.
DraftObject draft_object(control::Kind kind, const Json& item);

struct Change {
  enum class Op : std::uint8_t { add, change, remove };
  Op op = Op::add;
  control::Kind kind = control::Kind::route;
  std::string name;
  Json before;                       // null: it is not there
  Json after;                        // null: it goes away
  std::int64_t version = 0;          // of `before`
  std::string place;                 // where a file says it: "routes.yaml:12"; empty: of remove
  const FileObject* from = nullptr;  // lives as long as the files' objects
};

struct CompareOptions {
  bool prune = false;  // remove what the files do not have, of the kinds that they have
  std::string tag;     // prune only what carries it; empty: everything
};

struct Comparison {
  std::vector<Change> changes;            // by kind, then in the order of the files; removals last
  std::size_t same = 0;                   // objects of the files that the draft has already
  std::vector<const DraftObject*> extra;  // of the draft, in no file, and left alone
};

Comparison compare(const ObjectFiles& files, std::span<const DraftObject> draft, const CompareOptions& options);

}  // namespace weir::remote
