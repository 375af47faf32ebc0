// The tables of the control plane in Postgres, as numbered steps: applied by migrate(), recorded in weir_migrations.
// SQLite has the same tables in its own words (adapters/sqlite/tables.cc).
#pragma once

#include <array>

namespace weir::adapters::postgres {

struct TableStep {
  const char* name;
  const char* sql;
};
// Step N is at N-1. Steps are only ever added: a released one is never changed.
extern const std::array<TableStep, 1> kTableSteps;

// Made before the first step.
extern const char* const kMigrationsTable;

}  // namespace weir::adapters::postgres
