#include "app/operator/plan/plan.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>

namespace weir::remote {
namespace {

// What the files do not have is not touched; that is said once, so that nobody believes it gone.
void tell_extra(const Comparison& comparison, const CompareOptions& options) {
  std::map<control::Kind, std::size_t> counts;
  for (const DraftObject* object : comparison.extra) ++counts[object->kind];
  if (counts.empty()) return;
  std::string text;
  for (const auto& [kind, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, count == 1 ? word(kind) : collection(kind));
  fmt::print(
      stderr, "left alone, since no file has them: {}{}\n", text,
      options.prune ? " (--prune removes only of the sections that the files have)" : "; --prune removes them");
}

// Sealed texts are given to whoever asks for them and may write them; to others the rest.
Outcome<Json::Array> read_kind(Server& server, control::Kind kind, std::string_view tag) {
  std::string target = fmt::format("/v1/{}", collection(kind));
  if (!tag.empty()) target += "?tag=" + adapters::curl::percent_encode(tag);
  if (kind == control::Kind::secret || kind == control::Kind::certificate) {
    auto sealed = server.list(target + (tag.empty() ? "?sealed=true" : "&sealed=true"));
    if (sealed || sealed.error().exit_code != kProblems) return sealed;
  }
  return server.list(target);
}

}  // namespace

Outcome<std::vector<DraftObject>> read_draft(Server& server, std::string_view tag) {
  std::vector<DraftObject> out;
  for (int i = 0; i < control::kKindCount; ++i) {
    const auto kind = static_cast<control::Kind>(i);
    const auto items = read_kind(server, kind, tag);
    if (!items) return std::unexpected(items.error());
    for (const Json& item : *items) out.push_back(draft_object(kind, item));
  }
  return out;
}

std::expected<std::unique_ptr<Plan>, int> make_plan(std::string_view command, Server& server,
                                                    const std::vector<std::string>& paths,
                                                    const CompareOptions& options, pipeline::FilterTable filters) {
  if (paths.empty())
    return std::unexpected(
        tell(command, {kUsage, "no file is given: -f FILE or -f FOLDER, and - for standard input"}));
  auto files = read_object_files(paths, filters);
  if (!files) {
    for (const std::string& line : files.error()) fmt::print(stderr, "{}\n", line);
    return std::unexpected(kProblems);
  }
  for (const std::string& notice : files->notices) fmt::print(stderr, "{}\n", notice);
  auto draft = read_draft(server);
  if (!draft) return std::unexpected(tell(command, draft.error()));
  auto out = std::make_unique<Plan>();
  out->files = std::move(*files);
  out->draft = std::move(*draft);
  out->comparison = compare(out->files, out->draft, options);
  tell_extra(out->comparison, options);
  return out;
}

}  // namespace weir::remote
