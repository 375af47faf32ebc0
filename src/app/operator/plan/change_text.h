// Changes as people read them: a line for each object with + - or ~, and below a changed one what of it changes. Used
// by apply, diff and whoever shows two documents. Pure.
#pragma once

#include <span>
#include <string>

#include "app/operator/plan/changes.h"

namespace weir::remote {

// Colours are for a terminal.
std::string change_text(std::span<const Change> changes, bool coloured);

// "2 added, 1 changed, 0 removed".
std::string count_text(std::span<const Change> changes);

// For programs: [{op, kind, name, before?, after?, place?}].
Json to_json(std::span<const Change> changes);

}  // namespace weir::remote
