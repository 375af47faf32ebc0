#include "filters/config/secret.h"

#include <algorithm>
#include <cstdlib>

namespace weir::filters {

std::expected<std::optional<std::string>, Problem> read_secret(const Fields& fields, std::string_view name,
                                                               pipeline::MakeContext& context) {
  const std::string file = std::string(name) + "_file";
  const std::string env = std::string(name) + "_env";
  const std::string by_name = std::string(name) + "_name";
  const std::string* given = nullptr;
  for (const std::string* one : {&file, &env, &by_name}) {
    if (!fields.has(*one)) continue;
    if (given != nullptr) return std::unexpected(fields.problem(*one, "and " + *given, "keep one of them"));
    given = one;
  }
  if (given == nullptr) return std::optional<std::string>();
  const std::string& from = *given;
  std::string secret;
  if (given == &by_name) {
    auto named = context.secret(fields.string(by_name));
    if (!named) return std::unexpected(fields.problem(by_name, std::move(named.error())));
    secret = std::move(*named);
  } else if (given == &file) {
    auto text = context.file(fields.string(file));
    if (!text) return std::unexpected(fields.problem(file, std::move(text.error())));
    secret = std::move(*text);
    if (secret.ends_with('\n')) secret.pop_back();
    if (secret.ends_with('\r')) secret.pop_back();
  } else {
    const char* value = std::getenv(std::string(fields.string(env)).c_str());
    if (value == nullptr) return std::unexpected(fields.problem(env, "the environment has no such variable"));
    secret = value;
  }
  if (secret.empty()) return std::unexpected(fields.problem(from, "the secret there is empty"));
  const bool clean = std::ranges::none_of(
      secret, [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f; });
  if (!clean)
    return std::unexpected(fields.problem(from, "the secret there holds control characters or several lines"));
  return std::optional(std::move(secret));
}

}  // namespace weir::filters
