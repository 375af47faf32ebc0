// What the parts of a compile share besides data (compile_context.h): reading a file that the document names.
#include "snapshot/compile_context.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "snapshot/document.h"

namespace weir::snapshot {
namespace {

// A JWK set or a list of users: 1 MiB is a hundred times what they take, and a mistyped name of something huge is
// told instead of read.
constexpr std::size_t kMostBytes = 1024 * 1024;

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

std::expected<std::string, std::string> CompileContext::read_file(std::string_view name) {
  const std::string path = resolve_file(options.base_dir, name);
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
  if (!file) return std::unexpected("cannot read " + path + ": " + std::strerror(errno));
  std::string text(kMostBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return std::unexpected("cannot read " + path + ": " + std::strerror(errno));
  if (text.size() > kMostBytes) return std::unexpected(path + " is larger than 1 MiB");
  if (std::ranges::find(out.files, path) == out.files.end()) out.files.push_back(path);
  return text;
}

std::expected<std::string, Problem> CompileContext::read_secret(const Fields& fields, std::string_view name) {
  const std::string by_env = std::string(name) + "_env", by_file = std::string(name) + "_file";
  if (fields.has(by_env) == fields.has(by_file)) {
    return std::unexpected(Problem{fields.json().position, fields.path(),
                                   "needs one of " + by_env + " and " + by_file,
                                   fields.has(by_env) ? "remove one of them" : ""});
  }
  if (fields.has(by_env)) {
    const std::string variable(fields.string(by_env));
    const char* value = std::getenv(variable.c_str());
    if (value != nullptr && *value != '\0') return std::string(value);
    return std::unexpected(fields.problem(by_env, "the environment variable " + variable + " is not set"));
  }
  auto text = read_file(fields.string(by_file));
  if (!text) return std::unexpected(fields.problem(by_file, text.error()));
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return std::move(*text);
}

}  // namespace weir::snapshot
