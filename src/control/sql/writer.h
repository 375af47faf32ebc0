// The statements of the store: StoreView and StoreWriter over one session in a transaction. Made by store.cc for the
// time of one read() or write(); a read() sees it as a StoreView. The tables are those of the adapters' migrations.
// One thread.
#pragma once

#include "control/sql/session.h"

namespace weir::control::sql {

class Writer final : public StoreWriter {
 public:
  explicit Writer(Session& session) noexcept : session_(session) {}
  // Before commit(): writes the number that the next change goes on from.
  StoreResult<void> finish();

  // objects.cc
  StoreResult<std::optional<Object>> object(Kind kind, std::string_view name) override;
  StoreResult<std::vector<Object>> objects(Kind kind, const Page& page) override;
  StoreResult<std::vector<Object>> all_objects() override;
  StoreResult<std::uint64_t> last_change() override;
  StoreResult<std::uint64_t> put(const Object& object) override;
  StoreResult<bool> remove(Kind kind, std::string_view name) override;

  // revisions.cc
  StoreResult<std::optional<RevisionInfo>> revision(std::uint64_t number) override;
  StoreResult<std::optional<revision::Signed>> document(std::uint64_t number) override;
  StoreResult<std::vector<RevisionInfo>> revisions(std::uint64_t before, std::size_t limit) override;
  StoreResult<void> add_revision(const RevisionInfo& info, const revision::Signed& revision) override;

  // operators.cc
  StoreResult<std::optional<Operator>> find_operator(std::string_view name) override;
  StoreResult<std::optional<Operator>> operator_by_token(std::string_view token_id) override;
  StoreResult<std::vector<Operator>> operators() override;
  StoreResult<void> put_operator(Operator& changed) override;
  StoreResult<bool> remove_operator(std::string_view name) override;
  StoreResult<void> note_token_use(std::string_view token_id, std::int64_t at);

  // audit_log.cc
  StoreResult<std::optional<AuditEntry>> last_audit() override;
  StoreResult<std::vector<AuditEntry>> audit(std::uint64_t after, std::size_t limit) override;
  StoreResult<void> add_audit(const AuditEntry& entry) override;
  StoreResult<std::optional<Remembered>> remembered(std::string_view actor, std::string_view key) override;
  StoreResult<void> remember(const Remembered& answer) override;

 private:
  StoreResult<std::uint64_t> next_change();
  StoreResult<std::vector<Operator>> select_operators(const std::string& where, std::span<const Value> values);

  Session& session_;
  // Of a writer, which nobody else changes them under: read once, counted here.
  std::optional<std::uint64_t> change_;
  std::optional<AuditEntry> last_audit_;
};

}  // namespace weir::control::sql
