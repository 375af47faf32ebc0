// The tables of the control plane in SQLite, as numbered steps: step N brings a file of form N-1 to form N, which
// SQLite keeps as user_version. Postgres has the same tables in its own words (adapters/postgres/tables.cc).
#pragma once

#include <array>

namespace weir::adapters::sqlite {

// Steps are only ever added: a released one is never changed.
extern const std::array<const char*, 1> kTableSteps;

}  // namespace weir::adapters::sqlite
