// limit_book.h. Cold: once per limit of a config.
#include "snapshot/compile/limit_book.h"

namespace weir::snapshot {

std::expected<std::uint32_t, std::string> LimitBook::limit(std::string_view name, std::string_view settings,
                                                           bool shared, bool kept) {
  const Json& document = context_.document.json();
  if (shared && document.find("redis") == nullptr) {
    return std::unexpected("is kept in Redis, but the config has no \"redis\": say where it is, or use mode local");
  }
  if (kept && context_.out.state_dir.empty()) {
    return std::unexpected(
        "must survive a restart, but the config has no \"state_dir\": say where, or use mode redis");
  }
  auto& limits = context_.out.limit_names;
  const auto [at, fresh] = known_.try_emplace(std::string(name));
  if (!fresh) {
    if (at->second.settings == settings) return at->second.index;
    return std::unexpected("another limit is named \"" + std::string(name) +
                           "\" too and has other settings: give each its own name, or both the same settings");
  }
  at->second = {static_cast<std::uint32_t>(limits.size()), std::string(settings)};
  limits.emplace_back(name);
  context_.out.limits_shared = context_.out.limits_shared || shared;
  return at->second.index;
}

}  // namespace weir::snapshot
