#include "control/finding.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/json/schema.h"
#include "revision/identity_of.h"

namespace weir::control {
namespace {

constexpr std::array<std::string_view, 4> kSeverities = {"ignore", "warn", "block", "error"};

// "routes", 12 and "timeout" of "routes[12].timeout".
struct Place {
  std::string_view list;
  std::size_t index = 0;
  std::string_view below;
};

std::optional<Place> parse(std::string_view path) {
  const std::size_t open = path.find('[');
  const std::size_t close = path.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  Place out{path.substr(0, open), 0, path.substr(close + 1)};
  const auto read = std::from_chars(path.data() + open + 1, path.data() + close, out.index);
  if (read.ec != std::errc() || read.ptr != path.data() + close) return std::nullopt;
  if (out.below.starts_with('.')) out.below.remove_prefix(1);
  return out;
}

std::optional<Kind> kind_of_list(std::string_view list) {
  if (list == "plugin_chain") return Kind::policy;
  return revision::id_member(list).empty() ? std::nullopt : kind_of(list);
}

// A field that is unknown or missing is named in the message (base/json/schema.h), the path is that of the object
// around it.
std::string field_of(std::string_view path, std::string_view message) {
  for (const std::string_view begin : {"unknown field \"", "the field \""}) {
    if (!message.starts_with(begin)) continue;
    const std::string_view rest = message.substr(begin.size());
    const std::string_view name = rest.substr(0, rest.find('"'));
    const bool tells = begin.starts_with("unknown") || rest.substr(name.size()).starts_with("\" is missing");
    if (tells && !name.empty()) return member_path(path, name);
  }
  return std::string(path);
}

}  // namespace

std::string_view word(Severity severity) noexcept { return kSeverities[static_cast<std::size_t>(severity)]; }

std::optional<Severity> severity_of(std::string_view word) noexcept {
  for (const Severity each : {Severity::ignore, Severity::warn, Severity::block})
    if (word == control::word(each)) return each;
  return std::nullopt;
}

Json to_json(const Finding& finding) {
  Json out = Json::object();
  out.set("severity", word(finding.severity));
  out.set("rule", finding.rule);
  if (finding.kind) out.set("kind", word(*finding.kind));
  if (!finding.name.empty()) out.set("name", finding.name);
  if (!finding.field.empty()) out.set("field", finding.field);
  out.set("message", finding.message);
  if (!finding.hint.empty()) out.set("hint", finding.hint);
  return out;
}

std::string describe(const Finding& finding) {
  std::string out;
  if (finding.kind) out = std::string(word(*finding.kind)) + " \"" + finding.name + "\": ";
  if (!finding.field.empty()) out += finding.field + ": ";
  out += finding.message;
  if (!finding.hint.empty()) out += " (" + finding.hint + ")";
  return out;
}

bool stands_in_the_way(const Finding& finding) noexcept { return finding.severity >= Severity::block; }

Finding finding_of(const Json& document, const Problem& problem) {
  Finding out{.rule = "invalid",
              .field = field_of(problem.path, problem.message),
              .message = problem.message,
              .hint = problem.hint};
  const auto place = parse(problem.path);
  const auto kind = place ? kind_of_list(place->list) : std::nullopt;
  const Json* list = kind ? document.find(place->list) : nullptr;
  if (list == nullptr || place->index >= list->items().size()) return out;
  out.kind = kind;
  out.name = revision::id_of(list->items()[place->index], revision::id_member(place->list));
  out.field = field_of(place->below, problem.message);
  return out;
}

Finding finding_of(Kind kind, std::string_view name, const Problem& problem) {
  return {.rule = "invalid",
          .kind = kind,
          .name = std::string(name),
          .field = field_of(problem.path, problem.message),
          .message = problem.message,
          .hint = problem.hint};
}

}  // namespace weir::control
