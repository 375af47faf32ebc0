#include "app/serve/running_config.h"

#include "snapshot/parts.h"

namespace weir::app {
namespace {

using Origin = RunningConfig::Origin;

// Of a receipt: enough to mend it by; a mistake in a shared policy may be one in every route.
constexpr std::size_t kMostInReason = 5;

Origin origin_of(const Json& file) {
  if (file.find("control_plane") != nullptr) return Origin::control_plane;
  return file.find("control") != nullptr ? Origin::own_control : Origin::file;
}

bool is_published(const Problem& problem) {
  return snapshot::is_published_part(std::string_view(problem.path).substr(0, problem.path.find_first_of(".[")));
}

}  // namespace

RunningConfig::RunningConfig(ConfigSource source, pipeline::FilterTable filters, io::TlsTicketKeys& ticket_keys)
    : source_(std::move(source)), filters_(filters), ticket_keys_(ticket_keys) {}

RunningConfig::Draft RunningConfig::from_file() const {
  Draft out;
  out.origin = origin_;
  out.revision = revision_;
  auto file = source_.load();
  if (!file) {
    out.reason = out.refusal = describe(file.error(), source_.name());
    return out;
  }
  out.origin = origin_of(*file);
  if (begun_ && out.origin != origin_) {
    out.reason = out.refusal =
        "where routes come from (the sections control and control_plane) changes at the next "
        "start, not by a reload";
    return out;
  }
  if (out.origin == Origin::file) {
    compile(out, *file, false);
    return out;
  }
  snapshot::Parts parts = snapshot::split(*file);
  // Its mistakes with their place in the file, and routes that have no business there.
  if (out.origin == Origin::control_plane && !parts.document.members().empty()) compile(out, *file, false);
  out.instance = std::move(parts.instance);
  if (out.refusal.empty()) compile_merged(out);
  if (out.origin == Origin::own_control) out.seed = std::move(parts.document);
  return out;
}

RunningConfig::Draft RunningConfig::from_revision(gateway::Revision revision) const {
  Draft out;
  out.origin = origin_;
  out.instance = instance_;
  out.revision = std::move(revision);
  compile_merged(out);
  return out;
}

void RunningConfig::compile_merged(Draft& draft) const {
  Json document = Json::object();
  if (draft.revision) {
    auto parsed = parse_json(draft.revision->document);
    if (!parsed || !parsed->is_object()) {
      draft.refusal = draft.reason = "the document is no JSON object: " + (parsed ? "" : parsed.error().message);
      return;
    }
    document = std::move(*parsed);
  }
  for (const Json::Member& member : document.members()) {
    if (snapshot::is_published_part(member.name)) continue;
    draft.refusal = draft.reason = "the document holds \"" + member.name + "\", which no revision may decide";
    return;
  }
  compile(draft, snapshot::merge(draft.instance, document), true);
}

void RunningConfig::compile(Draft& draft, const Json& document, bool published) const {
  auto compiled = snapshot::compile(document, {.filters = filters_,
                                               .base_dir = source_.base_dir,
                                               .revision = draft.revision                 ? draft.revision->number
                                                           : draft.origin == Origin::file ? number_ + 1
                                                                                          : 0,
                                               .published = published,
                                               .ticket_keys = &ticket_keys_});
  if (compiled) {
    draft.snapshot = std::move(*compiled);
    return;
  }
  const Problems& problems = compiled.error();
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const bool told = published && is_published(problems[i]);
    const std::string line =
        told ? snapshot::describe_published(document, problems[i]) : describe(problems[i], source_.name());
    draft.refusal += (i == 0 ? "" : "\n") + line;
    if (i < kMostInReason) draft.reason += (i == 0 ? "" : " | ") + line;
  }
  if (problems.size() > kMostInReason)
    draft.reason += " | and " + std::to_string(problems.size() - kMostInReason) + " more";
}

void RunningConfig::accept(const Draft& draft) {
  begun_ = true;
  origin_ = draft.origin;
  instance_ = draft.instance;
  snapshot_ = draft.snapshot;
  revision_ = draft.revision;
  if (origin_ == Origin::file) ++number_;
}

}  // namespace weir::app
