// `weir dump`: the draft, or a revision, as files that `weir apply` reads.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "app/operator/commands.h"
#include "app/operator/plan/document_form.h"
#include "app/operator/plan/plan.h"
#include "app/operator/plan/yaml_text.h"

namespace weir::remote {
namespace {

namespace fs = std::filesystem;

Outcome<Json> read_document(Server& server, const DumpOptions& options) {
  if (!options.revision.empty())
    return server.get(fmt::format("/v1/revisions/{}/document", adapters::curl::percent_encode(options.revision)));
  const auto draft = read_draft(server);
  if (!draft) return std::unexpected(draft.error());
  return document_of(*draft);
}

std::string text_of(const Json& document, bool json) { return json ? to_pretty(document) + "\n" : to_yaml(document); }

// Whole or not at all: a file that somebody applies from is never half of one.
Outcome<void> write(const fs::path& path, const std::string& text) {
  const std::string half = path.string() + ".new";
  std::ofstream out(half, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  std::error_code failed;
  if (out) fs::rename(half, path, failed);
  if (!out || failed)
    return std::unexpected(Trouble{kProblems, fmt::format("{} cannot be written: {}", path.string(),
                                                          failed ? failed.message() : std::strerror(errno))});
  return {};
}

bool is_folder(const std::string& output) {
  std::error_code unused;
  return output.ends_with('/') || fs::is_directory(output, unused);
}

// A file for each section. Files of sections that are empty now would bring the objects back: they go.
Outcome<void> write_folder(const std::string& folder, const Json& document, bool json) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  for (int i = 0; i < control::kKindCount; ++i) {
    const std::string_view name = section(static_cast<control::Kind>(i));
    const fs::path path = fs::path(folder) / fmt::format("{}.{}", name, json ? "json" : "yaml");
    const Json* list = document.find(name);
    if (list == nullptr) {
      fs::remove(path, failed);
      continue;
    }
    if (auto done = write(path, text_of(Json::object().set(name, *list), json)); !done) return done;
    fmt::print("{}\n", path.string());
  }
  return {};
}

}  // namespace

int dump(const DumpOptions& options, pipeline::FilterTable filters) {
  const bool json = options.format.empty() ? options.output.ends_with(".json") : options.format == "json";
  auto server = Server::at(options.server);
  if (!server) return tell("dump", server.error());
  const auto document = read_document(*server, options);
  if (!document) return tell("dump", document.error());
  const Json kept = ordered(*document, filters, options.tag);
  Outcome<void> done;
  if (options.output.empty() || options.output == "-") {
    fmt::print("{}", text_of(kept, json));
  } else if (is_folder(options.output)) {
    done = write_folder(options.output, kept, json);
  } else {
    done = write(options.output, text_of(kept, json));
  }
  return done ? kOk : tell("dump", done.error());
}

}  // namespace weir::remote
