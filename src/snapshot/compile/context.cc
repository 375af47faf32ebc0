// What the parts of a compile share besides data (context.h): reading a file that the document names.
#include "snapshot/compile/context.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "snapshot/compile/sealed.h"
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

std::expected<std::string, std::string> CompileContext::named_secret(std::string_view name) {
  if (sealed == nullptr) return std::unexpected("a secret by its name is of no use here");
  return sealed->secret(name);
}

std::expected<std::string, Problem> CompileContext::read_secret(const Fields& fields, std::string_view name) {
  const std::string by_env = std::string(name) + "_env", by_file = std::string(name) + "_file",
                    by_name = std::string(name) + "_name";
  std::vector<std::string> known, given;
  for (const std::string* one : {&by_env, &by_file, &by_name}) {
    if (!fields.knows(*one)) continue;
    known.push_back(*one);
    if (fields.has(*one)) given.push_back(*one);
  }
  if (given.size() != 1) {
    std::string words = known[0];
    for (std::size_t i = 1; i < known.size(); ++i) words += (i + 1 == known.size() ? " and " : ", ") + known[i];
    return std::unexpected(Problem{fields.json().position, fields.path(), "needs one of " + words,
                                   given.empty() ? "" : "keep one of them"});
  }
  if (given[0] == by_env) {
    const std::string variable(fields.string(by_env));
    const char* value = std::getenv(variable.c_str());
    if (value != nullptr && *value != '\0') return std::string(value);
    return std::unexpected(fields.problem(by_env, "the environment variable " + variable + " is not set"));
  }
  if (given[0] == by_name) {
    auto secret = named_secret(fields.string(by_name));
    if (!secret) return std::unexpected(fields.problem(by_name, secret.error()));
    return std::move(*secret);
  }
  auto text = read_file(fields.string(by_file));
  if (!text) return std::unexpected(fields.problem(by_file, text.error()));
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return std::move(*text);
}

}  // namespace weir::snapshot
