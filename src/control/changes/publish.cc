#include "control/changes/publish.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/assemble.h"
#include "control/audit.h"
#include "control/checks/guards.h"
#include "control/operators/operators.h"
#include "snapshot/compile/compile.h"
#include "snapshot/document.h"
#include "snapshot/parts.h"

namespace weir::control {
namespace {

bool is_of_a_guard(const Finding& finding) noexcept {
  return finding.rule == "empty_config" || finding.rule == "shrunken";
}

void append(Findings& out, Findings more) { std::ranges::move(more, std::back_inserter(out)); }

Findings worst_first(Findings findings) {
  Findings out;
  for (const Severity each : {Severity::error, Severity::block, Severity::warn})
    for (Finding& finding : findings)
      if (finding.severity == each) out.push_back(std::move(finding));
  return out;
}

// What a proof is made of, as one view of the store has it.
struct Material {
  std::uint64_t base = 0;
  Json before;    // the last revision's document
  Json document;  // what shall be published
};

Agreed<Material> material(StoreView& view, Json document) {
  auto before = agreed(published_document(view));
  if (!before) return std::unexpected(std::move(before.error()));
  auto last = agreed(view.revision(0));
  if (!last) return std::unexpected(std::move(last.error()));
  return Material{*last ? (*last)->number : 0, std::move(*before), std::move(document)};
}

std::vector<ProbeTarget> targets_of(const snapshot::Snapshot& snapshot) {
  std::vector<ProbeTarget> out;
  for (const pipeline::UpstreamSpec& upstream : snapshot.upstreams)
    for (const pipeline::TargetSpec& target : upstream.targets) out.push_back({upstream.name, target.address});
  return out;
}

// Without the store, and without a probe: that is the caller's, if it holds no lock.
Agreed<Proof> prove(const Material& material, const Rules& rules) {
  Proof out;
  out.base = material.base;
  out.text = to_canonical(material.document);
  // What is compiled is what will be signed, to the byte.
  const auto own = parse_json(out.text);
  if (!own) return object_to(Objection::Kind::invalid, "the draft has no canonical form: " + own.error().message);
  out.digest = snapshot::digest(*own);
  const auto compiled = snapshot::compile(snapshot::merge(rules.instance, *own), {.filters = rules.schemas.filters(),
                                                                                  .base_dir = rules.base_dir,
                                                                                  .revision = out.base + 1,
                                                                                  .published = true,
                                                                                  .master_key = rules.master_key});
  if (compiled) {
    append(out.findings, lint(*own, **compiled, rules.lint));
    if (rules.probe) out.unprobed = targets_of(**compiled);
  } else {
    for (const Problem& problem : compiled.error()) out.findings.push_back(finding_of(*own, problem));
  }
  append(out.findings, guard(material.before, *own, rules.shrink_percent));
  out.findings = worst_first(std::move(out.findings));
  out.changes = revision::extent(material.before, *own);
  return out;
}

Agreed<Json> document_of(StoreView& view, std::uint64_t number) {
  auto found = agreed(view.document(number));
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found || number == 0)
    return object_to(Objection::Kind::absent, fmt::format("there is no revision {}", number));
  auto document = parse_json((*found)->document);
  if (!document)
    return std::unexpected(
        objection_of({StoreError::Kind::broken, fmt::format("the document of revision {} is damaged", number)}));
  return std::move(*document);
}

Agreed<std::vector<Changed>> become(StoreWriter& writer, const Rules& rules, const Author& author,
                                    const Json& document) {
  auto present = agreed(writer.all_objects());
  if (!present) return std::unexpected(std::move(present.error()));
  return Draft(writer, rules, author).replace_all(objects_of(document, *present));
}

Agreed<void> permit(const Author& author, bool rollback) {
  if (may(author.who, rollback ? Action::rollback : Action::publish)) return {};
  return object_to(Objection::Kind::forbidden,
                   fmt::format("the role {} may not {}", word(author.who.role), rollback ? "roll back" : "publish"));
}

Json counts(const revision::Extent& extent) {
  Json out = Json::object();
  out.set("added", extent.added);
  out.set("changed", extent.changed);
  out.set("removed", extent.removed);
  return out;
}

enum class Past : std::uint8_t { nothing, guards, lint };  // what does not stand in the way

bool passes(const Findings& findings, Past past) noexcept {
  return std::ranges::none_of(findings, [&](const Finding& finding) {
    if (past == Past::lint) return finding.severity == Severity::error;
    return stands_in_the_way(finding) && !(past == Past::guards && is_of_a_guard(finding));
  });
}

// With the lock held, and the draft as it shall be.
class Publication {
 public:
  Publication(StoreWriter& writer, const Rules& rules, const revision::SigningKey& key, const Author& author,
              const PublishOptions& options)
      : writer_(writer), rules_(rules), key_(key), author_(author), options_(options) {}

  Agreed<Published> run(const Proof* known, Past past) {
    auto document = agreed(assemble(writer_));
    if (!document) return std::unexpected(std::move(document.error()));
    auto last = agreed(writer_.revision(0));
    if (!last) return std::unexpected(std::move(last.error()));
    const std::uint64_t base = *last ? (*last)->number : 0;
    const std::string digest = snapshot::digest(*document);
    // A number that is known elsewhere and is not ours has to be overtaken, whatever its document; so has one that
    // gateways refuse, because it was signed with a key that is no longer ours.
    if (*last && (*last)->digest == digest && base >= options_.number_floor) {
      auto revision = agreed(writer_.document(base));
      if (!revision) return std::unexpected(std::move(revision.error()));
      if (*revision && holds(**revision)) return unchanged(std::move(**last), std::move(**revision));
    }
    Proof proof;
    if (known != nullptr && known->base == base && known->digest == digest) {
      proof = *known;
    } else {
      auto own = material(writer_, std::move(*document));
      if (!own) return std::unexpected(std::move(own.error()));
      auto made = prove(*own, rules_);
      if (!made) return std::unexpected(std::move(made.error()));
      proof = std::move(*made);
    }
    if (!passes(proof.findings, past)) {
      const auto in_the_way = std::ranges::count_if(proof.findings, stands_in_the_way);
      return object_to(
          Objection::Kind::unpublishable,
          fmt::format("the draft cannot be published: {} problem{}", in_the_way, in_the_way == 1 ? "" : "s"),
          std::move(proof.findings));
    }
    return add(std::move(proof), *last, std::max(base, options_.number_floor) + 1);
  }

  // The last document under the next number, if it is not signed with our key.
  Agreed<std::optional<Published>> sign_again() {
    auto last = agreed(writer_.revision(0));
    if (!last) return std::unexpected(std::move(last.error()));
    if (!*last) return std::nullopt;
    auto revision = agreed(writer_.document((*last)->number));
    if (!revision) return std::unexpected(std::move(revision.error()));
    if (!*revision || holds(**revision)) return std::nullopt;
    Proof proof{.text = (*revision)->document, .digest = (*last)->digest, .findings = {}, .changes = {}};
    auto added = add(std::move(proof), *last, std::max((*last)->number, options_.number_floor) + 1);
    if (!added) return std::unexpected(std::move(added.error()));
    return std::move(*added);
  }

 private:
  bool holds(const revision::Signed& revision) const {
    return revision::verify(revision, key_.public_key()).has_value();
  }

  static Published unchanged(RevisionInfo last, revision::Signed revision) {
    Published out;
    out.revision = std::move(revision);
    out.info = std::move(last);
    out.unchanged = true;
    return out;
  }

  Agreed<Published> add(Proof proof, const std::optional<RevisionInfo>& last, std::uint64_t number) {
    Published out;
    out.info.number = number;
    out.info.digest = proof.digest;
    out.info.made_at = author_.at_ms / 1000;
    out.info.made_by = author_.who.name;
    out.info.message = options_.message;
    out.info.rolled_back_to = options_.rollback_to;
    out.info.changes = counts(proof.changes);
    out.changes = proof.changes;
    out.unprobed = std::move(proof.unprobed);
    out.revision = key_.sign(number, std::move(proof.text), out.info.made_at);
    for (Finding& finding : proof.findings) {
      if (finding.severity == Severity::block) finding.severity = Severity::warn;
      out.warnings.push_back(std::move(finding));
    }
    if (auto added = agreed(writer_.add_revision(out.info, out.revision)); !added)
      return std::unexpected(std::move(added.error()));
    if (auto noted = note(out.info, last); !noted) return std::unexpected(std::move(noted.error()));
    return out;
  }

  Agreed<void> note(const RevisionInfo& info, const std::optional<RevisionInfo>& last) {
    AuditEntry entry;
    entry.at_ms = author_.at_ms;
    entry.actor = author_.who.name;
    entry.from = author_.from;
    entry.action = info.rolled_back_to == 0 ? "publish" : "rollback";
    entry.kind = "revision";
    entry.name = std::to_string(info.number);
    entry.revision = info.number;
    if (last) {
      entry.before = Json::object();
      entry.before.set("number", last->number);
      entry.before.set("digest", last->digest);
    }
    entry.after = Json::object();
    entry.after.set("number", info.number);
    entry.after.set("digest", info.digest);
    if (!info.message.empty()) entry.after.set("message", info.message);
    if (info.rolled_back_to != 0) entry.after.set("rolled_back_to", info.rolled_back_to);
    if (options_.force) entry.after.set("forced", true);
    entry.after.set("changes", info.changes);
    return agreed(append_audit(writer_, std::move(entry)));
  }

  StoreWriter& writer_;
  const Rules& rules_;
  const revision::SigningKey& key_;
  const Author& author_;
  const PublishOptions& options_;
};

}  // namespace

bool Proof::publishable(bool force) const noexcept { return passes(findings, force ? Past::guards : Past::nothing); }

Findings warn_of_unreachable(const Rules& rules, const std::vector<ProbeTarget>& targets) {
  Findings out;
  if (!rules.probe || targets.empty()) return out;
  const std::vector<std::string> said = rules.probe(targets);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (i >= said.size() || said[i].empty()) continue;
    out.push_back({.severity = Severity::warn,
                   .rule = "unreachable_upstream",
                   .kind = Kind::upstream,
                   .name = targets[i].upstream,
                   .field = "targets",
                   .message = fmt::format("{}: {}", targets[i].address, said[i]),
                   .hint = "the control plane asked; gateways may reach it all the same"});
  }
  return out;
}

Agreed<Proof> check(Store& store, const Rules& rules, std::uint64_t rollback_to) {
  Agreed<Material> found;
  const auto read = store.read([&](StoreView& view) -> StoreResult<void> {
    auto document = rollback_to == 0 ? agreed(assemble(view)) : document_of(view, rollback_to);
    found = document ? material(view, std::move(*document)) : std::unexpected(std::move(document.error()));
    return {};
  });
  if (!read) return std::unexpected(objection_of(read.error()));
  if (!found) return std::unexpected(std::move(found.error()));
  auto proof = prove(*found, rules);
  if (!proof) return proof;
  append(proof->findings, warn_of_unreachable(rules, std::exchange(proof->unprobed, {})));
  return proof;
}

Agreed<Published> publish(StoreWriter& writer, const Rules& rules, const revision::SigningKey& key,
                          const Author& author, const PublishOptions& options, const Proof* proof) {
  if (auto allowed = permit(author, options.rollback_to != 0); !allowed)
    return std::unexpected(std::move(allowed.error()));
  if (options.rollback_to != 0) {
    auto document = document_of(writer, options.rollback_to);
    if (!document) return std::unexpected(std::move(document.error()));
    if (auto done = become(writer, rules, author, *document); !done) return std::unexpected(std::move(done.error()));
  }
  return Publication(writer, rules, key, author, options).run(proof, options.force ? Past::guards : Past::nothing);
}

Agreed<Published> publish(Store& store, const Rules& rules, const revision::SigningKey& key, const Author& author,
                          const PublishOptions& options) {
  if (auto allowed = permit(author, options.rollback_to != 0); !allowed)
    return std::unexpected(std::move(allowed.error()));
  auto proof = check(store, rules, options.rollback_to);
  if (!proof) return std::unexpected(std::move(proof.error()));
  Agreed<Published> out;
  const auto done = transact(store, options.dry_run, [&](StoreWriter& writer) -> Agreed<void> {
    out = publish(writer, rules, key, author, options, &*proof);
    if (!out) return std::unexpected(out.error());
    return {};
  });
  if (!done) return std::unexpected(done.error());
  append(out->warnings, warn_of_unreachable(rules, std::exchange(out->unprobed, {})));
  return out;
}

Agreed<std::vector<Changed>> discard(StoreWriter& writer, const Rules& rules, const Author& author) {
  if (!may(author.who, Action::rollback))
    return object_to(
        Objection::Kind::forbidden,
        fmt::format("the role {} may not discard the draft: it holds changes of others", word(author.who.role)));
  auto document = agreed(published_document(writer));
  if (!document) return std::unexpected(std::move(document.error()));
  return become(writer, rules, author, *document);
}

namespace {

Agreed<std::optional<Published>> begin_with(Store& store, const Rules& rules, const revision::SigningKey& key,
                                            const Json& document, const PublishOptions& options) {
  std::optional<Published> out;
  const Author author = system_author();
  const auto done = transact(store, false, [&](StoreWriter& writer) -> Agreed<void> {
    auto last = agreed(writer.revision(0));
    if (!last) return std::unexpected(std::move(last.error()));
    auto objects = agreed(writer.all_objects());
    if (!objects) return std::unexpected(std::move(objects.error()));
    if (*last || !objects->empty() || document.members().empty()) return {};
    if (auto seeded = become(writer, rules, author, document); !seeded)
      return std::unexpected(std::move(seeded.error()));
    auto published = Publication(writer, rules, key, author, options).run(nullptr, Past::lint);
    if (!published) return std::unexpected(std::move(published.error()));
    out = std::move(*published);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return out;
}

}  // namespace

Agreed<std::optional<Published>> seed(Store& store, const Rules& rules, const revision::SigningKey& key,
                                      const Json& document, std::uint64_t number_floor) {
  return begin_with(store, rules, key, document, {.message = "from the config file", .number_floor = number_floor});
}

Agreed<std::optional<Published>> restore(Store& store, const Rules& rules, const revision::SigningKey& key,
                                         const revision::Signed& in_use, std::uint64_t number_floor) {
  const auto document = parse_json(in_use.document);
  if (!document)
    return object_to(Objection::Kind::invalid, fmt::format("the document of revision {} is damaged", in_use.number));
  return begin_with(
      store, rules, key, *document,
      {.message = fmt::format("revision {}, which was in use when the database was lost", in_use.number),
       .number_floor = std::max(number_floor, in_use.number)});
}

Agreed<std::optional<Published>> sign_again(Store& store, const Rules& rules, const revision::SigningKey& key,
                                            std::uint64_t number_floor) {
  std::optional<Published> out;
  const Author author = system_author();
  const PublishOptions options{.message = "signed with another key", .number_floor = number_floor};
  const auto done = transact(store, false, [&](StoreWriter& writer) -> Agreed<void> {
    auto again = Publication(writer, rules, key, author, options).sign_again();
    if (!again) return std::unexpected(std::move(again.error()));
    out = std::move(*again);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return out;
}

}  // namespace weir::control
