#include "adapters/postgres/store.h"

#include "adapters/postgres/session.h"
#include "adapters/postgres/tables.h"
#include "control/sql/store.h"

namespace weir::adapters::postgres {

using control::StoreError;
using control::StoreResult;
using control::sql::Mode;
using std::chrono::milliseconds;

namespace {

// As many as the offload threads that call at a time. Of the 100 that Postgres takes as it comes, several control
// planes leave most to others.
constexpr std::size_t kMostConnections = 8;
// How long a migration may take: the other machine's before this one's included.
constexpr milliseconds kMigrationPatience{60'000};

// Connects and looks at the tables, which no one changes under a running control plane but a newer one.
StoreResult<std::unique_ptr<control::sql::Session>> ready_session(Servers& servers, milliseconds patience) {
  const auto start = std::chrono::steady_clock::now();
  auto session = Session::connect(servers, patience);
  if (!session) return std::unexpected(std::move(session.error()));
  const auto left = patience - std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  if (auto begun = (*session)->begin(Mode::read, std::max(left, milliseconds(1))); !begun)
    return std::unexpected(std::move(begun.error()));
  const auto steps = (*session)->steps();
  if (!steps) return std::unexpected(steps.error());
  if (*steps < static_cast<int>(kTableSteps.size()))
    return std::unexpected(
        StoreError{StoreError::Kind::outdated,
                   *steps == 0 ? "the database has no tables of Weir yet: run weir control --migrate"
                               : "the database's tables are older than this weir: run weir control --migrate"});
  (*session)->rollback();
  return session;
}

StoreResult<int> migrate_in(Session& session) {
  if (auto made = session.script(kMigrationsTable); !made) return std::unexpected(std::move(made.error()));
  const auto steps = session.steps();
  if (!steps) return steps;
  const int newest = static_cast<int>(kTableSteps.size());
  for (int at = *steps; at < newest; ++at) {
    const TableStep& step = kTableSteps[static_cast<std::size_t>(at)];
    if (auto done = session.script(step.sql); !done) return std::unexpected(std::move(done.error()));
    const control::sql::Value values[] = {std::int64_t{at + 1}, std::string_view(step.name)};
    auto noted = session.run("INSERT INTO weir_migrations (number, name) VALUES ($1, $2)", values);
    if (!noted) return std::unexpected(std::move(noted.error()));
  }
  return newest - *steps;
}

}  // namespace

std::expected<std::unique_ptr<control::Store>, StoreError> open(const std::string& url, milliseconds patience) {
  auto servers = Servers::parse(url);
  if (!servers) return std::unexpected(std::move(servers.error()));
  return control::sql::make_store(
      [servers = std::move(*servers)](milliseconds patience) { return ready_session(*servers, patience); },
      kMostConnections, patience);
}

std::expected<int, StoreError> migrate(const std::string& url) {
  auto servers = Servers::parse(url);
  if (!servers) return std::unexpected(std::move(servers.error()));
  auto session = Session::connect(**servers, control::kStorePatience);
  if (!session) return std::unexpected(std::move(session.error()));
  if (auto begun = (*session)->begin(Mode::write, kMigrationPatience); !begun)
    return std::unexpected(std::move(begun.error()));
  auto done = migrate_in(**session);
  if (!done) {
    (*session)->rollback();
    return done;
  }
  if (auto kept = (*session)->commit(); !kept) return std::unexpected(std::move(kept.error()));
  return done;
}

}  // namespace weir::adapters::postgres
