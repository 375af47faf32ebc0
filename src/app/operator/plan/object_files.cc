#include "app/operator/plan/object_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "adapters/yaml/load.h"
#include "snapshot/parts.h"
#include "snapshot/schema/document_schema.h"

namespace weir::remote {
namespace {

namespace fs = std::filesystem;
using control::Kind;

// One wrong template in a generated file is wrong in every route: a screen or two of it is enough.
constexpr std::size_t kMostProblems = 100;

class Reader {
 public:
  explicit Reader(pipeline::FilterTable filters) : schema_(snapshot::document_schema(filters)) {
    // Here an empty list means something: that there are to be none.
    for (Field& field : schema_.fields)
      if (field.name == "routes") field.value.least = 0;
  }

  void read(const std::string& path) {
    std::error_code failed;
    if (path == "-" || !fs::is_directory(path, failed)) return read_file(path);
    std::vector<std::string> files = files_below(path);
    if (files.empty()) complain("{}: no *.yaml, *.yml or *.json file in this folder or below", path);
    for (const std::string& file : files) read_file(file);
  }

  std::expected<ObjectFiles, std::vector<std::string>> done() {
    if (!problems_.empty()) {
      if (problems_.size() > kMostProblems) {
        const std::size_t more = problems_.size() - kMostProblems;
        problems_.resize(kMostProblems);
        problems_.push_back(fmt::format("and {} more", more));
      }
      return std::unexpected(std::move(problems_));
    }
    return std::move(out_);
  }

 private:
  template <class... Args>
  void complain(fmt::format_string<Args...> format, Args&&... args) {
    problems_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  std::vector<std::string> files_below(const std::string& folder) {
    std::vector<std::string> out;
    std::error_code failed;
    fs::recursive_directory_iterator each(folder, failed);
    for (; !failed && each != fs::recursive_directory_iterator(); each.increment(failed)) {
      const std::string name = each->path().filename();
      if (name.starts_with('.')) {
        each.disable_recursion_pending();
        continue;
      }
      const fs::path end = each->path().extension();
      std::error_code unused;
      if ((end == ".yaml" || end == ".yml" || end == ".json") && each->is_regular_file(unused))
        out.push_back(each->path());
    }
    if (failed) complain("{}: {}", folder, failed.message());
    std::ranges::sort(out);
    return out;
  }

  void read_file(const std::string& path) {
    const std::string shown = path == "-" ? "standard input" : path;
    auto loaded = yaml::load_file(path == "-" ? "/dev/stdin" : path.c_str());
    if (!loaded) return complain("{}", describe(loaded.error(), shown));
    if (loaded->is_null()) {  // nothing but comments
      out_.notices.push_back(fmt::format("{}: is empty", shown));
      return;
    }
    const Problems wrong = check(*loaded, schema_);
    for (const Problem& problem : wrong) complain("{}", describe(problem, shown));
    if (!wrong.empty()) return;
    take(*loaded, shown);
  }

  void take(const Json& file, const std::string& shown) {
    std::vector<std::string_view> skipped;
    for (const Json::Member& member : file.members()) {
      if (!snapshot::is_published_part(member.name)) {
        skipped.push_back(member.name);
        continue;
      }
      for (int i = 0; i < control::kKindCount; ++i)
        if (section(static_cast<Kind>(i)) == member.name) take(static_cast<Kind>(i), member.value, shown);
    }
    if (!skipped.empty())
      out_.notices.push_back(
          fmt::format("{}: left out, since each gateway's own file says it: {}", shown, fmt::join(skipped, ", ")));
  }

  void take(Kind kind, const Json& list, const std::string& shown) {
    out_.kinds.insert(kind);
    for (const Json& item : list.items()) {
      FileObject object{kind, std::string(name_in(kind, item)), item, shown, item.position};
      if (item.is_string()) object.body = Json::object().set("name", item);
      object.body.position = item.position;
      const auto [known, fresh] = seen_.emplace(std::pair(kind, object.name), place_text(object));
      if (fresh) {
        out_.objects.push_back(std::move(object));
      } else {
        complain("{}:{}:{}: {} \"{}\" stands at {} already; give one of them another name, or remove it", shown,
                 item.position.line, item.position.column, word(kind), object.name, known->second);
      }
    }
  }

  Schema schema_;
  ObjectFiles out_;
  std::vector<std::string> problems_;
  std::map<std::pair<Kind, std::string>, std::string> seen_;
};

}  // namespace

std::string_view section(Kind kind) noexcept { return kind == Kind::policy ? "plugin_chain" : collection(kind); }

std::string_view name_in(Kind kind, const Json& body) noexcept {
  if (body.is_string()) return body.as_string();
  const Json* name = body.find(kind == Kind::route ? "route_id" : "name");
  return name == nullptr ? std::string_view() : name->as_string();
}

std::string place_text(const FileObject& object) { return fmt::format("{}:{}", object.file, object.position.line); }

std::expected<ObjectFiles, std::vector<std::string>> read_object_files(const std::vector<std::string>& paths,
                                                                       pipeline::FilterTable filters) {
  Reader reader(filters);
  for (const std::string& path : paths) reader.read(path);
  return reader.done();
}

}  // namespace weir::remote
