// Parsing templates (template.h). Called by filters' make(), never on the way of a request; rendering is in
// template_render.cc.
#include "pipeline/template.h"

#include <algorithm>

#include "base/json/nearest.h"

namespace weir::pipeline {
namespace {

struct Named {
  std::string_view name;
  Variable variable;
};

constexpr Named kVariables[] = {
    {"request_id", Variable::request_id},
    {"trace_id", Variable::trace_id},
    {"client_ip", Variable::client_ip},
    {"host", Variable::host},
    {"path", Variable::path},
    {"query", Variable::query},
    {"method", Variable::method},
    {"scheme", Variable::scheme},
    {"route_id", Variable::route_id},
    {"revision", Variable::revision},
    {"consumer", Variable::consumer},
    {"status", Variable::status},
};

std::string quoted(std::string_view name) { return "\"${" + std::string(name) + "}\""; }

bool token_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

bool forbidden(char c, bool lines) noexcept {
  if (lines && (c == '\n' || c == '\t' || c == '\r')) return false;
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

std::expected<Template::Part, Template::Mistake> Template::variable(std::string_view name, Use use) {
  if (name.starts_with("path.") && name.size() > 5) {
    return Part{Variable::capture, http::FieldName::other, std::string(name.substr(5))};
  }
  if (name.starts_with("header.") && name.size() > 7) {
    const std::string_view field = name.substr(7);
    if (std::ranges::all_of(field, token_char)) return Part{Variable::header, http::field_name(field), lower(field)};
    return std::unexpected(Mistake{quoted(name) + " names no header: a name has letters, digits and \"-\"", {}});
  }
  const auto* found = std::ranges::find(kVariables, name, &Named::name);
  if (found == std::end(kVariables)) {
    std::vector<std::string_view> known;
    for (const Named& named : kVariables) {
      if (use.response || named.variable != Variable::status) known.push_back(named.name);
    }
    known.insert(known.end(), {"path.NAME", "header.NAME"});
    if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) {
      const std::string_view prefix = nearest(name.substr(0, dot), {"path", "header"});
      if (!prefix.empty()) {
        const std::string meant = std::string(prefix) + std::string(name.substr(dot));
        return std::unexpected(Mistake{"unknown variable " + quoted(name), "did you mean \"" + meant + "\"?"});
      }
    }
    return std::unexpected(Mistake{"unknown variable " + quoted(name), did_you_mean(name, known, "known variables")});
  }
  if (found->variable == Variable::status && !use.response) {
    return std::unexpected(Mistake{"\"${status}\" is known only in a response", {}});
  }
  return Part{found->variable, http::FieldName::other, {}};
}

std::expected<Template, Template::Mistake> Template::parse(std::string_view text, Use use) {
  if (std::ranges::any_of(text, [&](char c) { return forbidden(c, use.lines); })) {
    return std::unexpected(Mistake{"must not have control characters", {}});
  }
  Template out;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) out.parts_.push_back({Variable::none, http::FieldName::other, std::move(literal)});
    literal.clear();
  };
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    literal.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$$")) {
      literal += '$';
      text.remove_prefix(2);
      continue;
    }
    const std::size_t end = text.find('}');
    if (!text.starts_with("${")) {
      return std::unexpected(Mistake{"a \"$\" must begin \"${name}\"", "a dollar itself is written \"$$\""});
    }
    if (end == std::string_view::npos) return std::unexpected(Mistake{"\"${\" has no \"}\"", {}});
    auto part = variable(text.substr(2, end - 2), use);
    if (!part) return std::unexpected(part.error());
    flush();
    out.parts_.push_back(std::move(*part));
    text.remove_prefix(end + 1);
  }
  flush();
  if (out.parts_.size() > kMostParts) {
    return std::unexpected(Mistake{"has more than " + std::to_string(kMostParts) + " parts", {}});
  }
  return out;
}

bool Template::constant() const noexcept {
  return std::ranges::all_of(parts_, [](const Part& part) { return part.variable == Variable::none; });
}

bool Template::uses(Variable variable) const noexcept {
  return std::ranges::any_of(parts_, [&](const Part& part) { return part.variable == variable; });
}

void Template::captures_used(std::vector<std::string_view>& out) const {
  for (const Part& part : parts_) {
    if (part.variable == Variable::capture) out.push_back(part.text);
  }
}

std::string Template::sample() const {
  std::string out;
  for (const Part& part : parts_) {
    switch (part.variable) {
      case Variable::none:
        out += part.text;
        break;
      case Variable::path:
        out += "/x";
        break;
      case Variable::scheme:
        out += "https";
        break;
      case Variable::query:  // most requests have none
        break;
      default:
        out += "1";  // a segment, a label of a host, a port
    }
  }
  return out;
}

}  // namespace weir::pipeline
