// Tokens that count no more (ports/revocations.h), as lines of text that operators write into a file or into Redis:
//
//   jti ISSUER ID                 one token
//   sub ISSUER SUBJECT            all tokens of a subject
//   sub@1795523159 ISSUER SUBJECT those of its tokens that were issued before that second
//
// ISSUER is "*" for any. Empty lines and those that begin with "#" say nothing. The list is immutable and shared by
// all workers; each has a holder that the feed on the control thread puts a new list into.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ports/revocations.h"

namespace weir::gateway {

class RevocationList {
 public:
  // Adds what `text` says. False: some line says nothing that is known; the others are taken.
  bool add(std::string_view text);

  bool revoked(const ports::Revocations::Token& token) const noexcept;
  std::size_t size() const noexcept { return before_.size(); }
  // Equal lists have equal versions, whatever order their lines came in.
  std::uint64_t version() const noexcept { return version_; }

 private:
  bool add_line(std::string_view line);
  bool lists(std::string_view kind, std::string_view issuer, std::string_view value, double issued_at) const;

  // "jti\nISSUER\nID" → tokens issued before that are revoked; infinity: all.
  std::unordered_map<std::string, double> before_;
  std::uint64_t version_ = 1;
};

class WorkerRevocations final : public ports::Revocations {
 public:
  std::uint64_t version() const noexcept override { return list_ ? list_->version() : 0; }
  bool revoked(const Token& token) const noexcept override { return list_ && list_->revoked(token); }
  void replace(std::shared_ptr<const RevocationList> list) noexcept { list_ = std::move(list); }

 private:
  std::shared_ptr<const RevocationList> list_;
};

}  // namespace weir::gateway
