// The strict check of a value against its schema (schema.h). Collects every mistake; recursion is bounded by the
// depth of the schema, a literal of ours.
#include <algorithm>
#include <cmath>

#include "base/json/nearest.h"
#include "base/json/quantity.h"
#include "base/json/schema.h"

namespace weir {
namespace {

// A quoted value in a message stays readable on one line.
constexpr std::size_t kMostQuoted = 60;

std::string quote(std::string_view text) {
  std::string out;
  append_json_string(out, text.size() <= kMostQuoted ? text : std::string(text.substr(0, kMostQuoted)) + "...");
  return out;
}

std::string_view type_hint(const Schema& schema, const Json& value) {
  using Kind = Schema::Kind;
  if (value.is_null()) return "give it a value or remove it";
  if (schema.kind == Kind::string && (value.is_number() || value.is_boolean())) return "put it in quotes";
  if (schema.kind == Kind::duration && value.is_number()) return "add a unit: ms, s, m, h or d";
  if (schema.kind == Kind::array && !value.is_object() && check(value, schema.item()).empty()) {
    return "put it in brackets: [...]";
  }
  const bool plain = schema.kind == Kind::boolean || schema.kind == Kind::integer || schema.kind == Kind::number;
  if (plain && value.is_string()) {
    const auto unquoted = parse_json(value.as_string());
    const bool fits = unquoted && (schema.kind == Kind::boolean ? unquoted->is_boolean() : unquoted->is_number());
    if (fits) return "remove the quotes";
  }
  return {};
}

class Check {
 public:
  explicit Check(Problems& problems) noexcept : problems_(problems) {}

  void value(const Json& json, const Schema& schema, const std::string& path) {
    switch (schema.kind) {
      case Schema::Kind::any:
        return;
      case Schema::Kind::boolean:
        if (!json.is_boolean()) wrong_type(json, schema, path);
        return;
      case Schema::Kind::integer:
      case Schema::Kind::number:
        return number(json, schema, path);
      case Schema::Kind::string:
        return string(json, schema, path);
      case Schema::Kind::duration:
        return duration(json, schema, path);
      case Schema::Kind::size:
        return size(json, schema, path);
      case Schema::Kind::array:
        return array(json, schema, path);
      case Schema::Kind::object:
        return object(json, schema, path);
      case Schema::Kind::map:
        return map(json, schema, path);
      case Schema::Kind::one_of:
        return one_of(json, schema, path);
    }
  }

 private:
  void add(const Json& json, const std::string& path, std::string message, std::string hint = {}) {
    problems_.push_back({json.position, path, std::move(message), std::move(hint)});
  }

  void wrong_type(const Json& json, const Schema& schema, const std::string& path) {
    add(json, path, "expected " + schema.describe() + ", found " + describe_value(json),
        std::string(type_hint(schema, json)));
  }

  void range(const Json& json, const Schema& schema, const std::string& path, double given,
             std::string (*show)(double)) {
    if (given >= schema.lowest && given <= schema.highest) return;
    const bool low = std::isfinite(schema.lowest);
    const bool high = std::isfinite(schema.highest);
    std::string message = "must be ";
    if (low && high) {
      message += "between " + show(schema.lowest) + " and " + show(schema.highest);
    } else {
      message += low ? "at least " + show(schema.lowest) : "at most " + show(schema.highest);
    }
    add(json, path, message + ", found " + show(given));
  }

  void number(const Json& json, const Schema& schema, const std::string& path) {
    const bool whole =
        json.is_integer() || (json.is_number() && Json(json.as_integer()).as_number() == json.as_number());
    if (!json.is_number() || (schema.kind == Schema::Kind::integer && !whole)) return wrong_type(json, schema, path);
    range(json, schema, path, json.as_number(), [](double number) { return to_canonical(Json(number)); });
  }

  void string(const Json& json, const Schema& schema, const std::string& path) {
    if (!json.is_string()) return wrong_type(json, schema, path);
    const std::string_view text = json.as_string();
    if (!schema.allowed.empty()) {
      if (std::ranges::find(schema.allowed, text) != schema.allowed.end()) return;
      const std::string what = schema.noun.empty() ? "word" : std::string(schema.noun);
      return add(json, path, "unknown " + what + " " + quote(text), did_you_mean(text, schema.allowed, "one of"));
    }
    if (text.size() < schema.least) {
      const std::string least = "must have at least " + std::to_string(schema.least) + " bytes";
      return add(json, path, text.empty() ? "must not be empty" : least);
    }
    if (text.size() > schema.most) {
      return add(json, path, "must have at most " + std::to_string(schema.most) + " bytes");
    }
    std::string why;
    if (schema.check == nullptr || schema.check(text, why)) return;
    add(json, path, quote(text) + " is not a valid " + std::string(schema.noun.empty() ? "value" : schema.noun), why);
  }

  void duration(const Json& json, const Schema& schema, const std::string& path) {
    const auto parsed = parse_duration(json.as_string());
    if (!parsed) return wrong_type(json, schema, path);
    range(json, schema, path, static_cast<double>(parsed->count()), [](double milliseconds) {
      return "\"" + format_duration(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds))) + "\"";
    });
  }

  void size(const Json& json, const Schema& schema, const std::string& path) {
    const auto parsed = json.is_integer() ? std::optional(json.as_integer()) : parse_size(json.as_string());
    if (!parsed) return wrong_type(json, schema, path);
    range(json, schema, path, static_cast<double>(*parsed),
          [](double bytes) { return format_size(static_cast<std::int64_t>(bytes)); });
  }

  void count(const Json& json, const Schema& schema, const std::string& path, std::size_t given) {
    if (given < schema.least) {
      const std::string least = "must have at least " + std::to_string(schema.least) + " items";
      add(json, path, schema.least == 1 ? "must not be empty" : least);
    }
    if (given > schema.most) add(json, path, "must have at most " + std::to_string(schema.most) + " items");
  }

  void array(const Json& json, const Schema& schema, const std::string& path) {
    if (!json.is_array()) return wrong_type(json, schema, path);
    const Json::Array& items = json.items();
    count(json, schema, path, items.size());
    for (std::size_t i = 0; i < items.size(); ++i) value(items[i], schema.item(), item_path(path, i));
    if (!schema.is_unique) return;
    std::vector<std::pair<std::string, std::size_t>> seen;
    for (std::size_t i = 0; i < items.size(); ++i) seen.emplace_back(to_canonical(items[i]), i);
    std::ranges::sort(seen);
    for (std::size_t i = 1; i < seen.size(); ++i) {
      if (seen[i].first != seen[i - 1].first) continue;
      const std::size_t second = seen[i].second;
      add(items[second], item_path(path, second), "stands in this list twice: " + describe_value(items[second]));
    }
  }

  void object(const Json& json, const Schema& schema, const std::string& path) {
    if (!json.is_object()) return wrong_type(json, schema, path);
    for (const Json::Member& member : json.members()) {
      const Field* field = schema.field(member.name);
      if (field == nullptr) {
        unknown_field(member, schema, path);
      } else if (!field->missing_feature.empty()) {
        problems_.push_back({member.name_position, member_path(path, member.name), "this field is not built yet",
                             std::string(field->missing_feature)});
      } else {
        value(member.value, field->value, member_path(path, member.name));
      }
    }
    for (const Field& field : schema.fields) {
      if (!field.is_required || json.find(field.name) != nullptr) continue;
      add(json, path, "the field \"" + std::string(field.name) + "\" is missing",
          "expected " + field.value.describe());
    }
  }

  void unknown_field(const Json::Member& member, const Schema& schema, const std::string& path) {
    std::vector<std::string_view> known;
    for (const Field& field : schema.fields) {
      if (field.missing_feature.empty()) known.push_back(field.name);
    }
    problems_.push_back({member.name_position, path, "unknown field " + quote(member.name),
                         did_you_mean(member.name, known, "known fields")});
  }

  void one_of(const Json& json, const Schema& schema, const std::string& path) {
    const Schema* form = schema.form_for(json);
    if (form == nullptr) return wrong_type(json, schema, path);
    if (!unknown_tag(json, schema, path)) value(json, *form, path);
  }

  // Objects told apart by a tag that is none of theirs: name the tags instead of judging by some form's fields.
  bool unknown_tag(const Json& json, const Schema& schema, const std::string& path) {
    std::vector<std::string_view> tags;
    const Json::Member* given = nullptr;
    for (const Schema& form : schema.parts) {
      for (const Field& field : form.fields) {
        if (!field.is_required || field.value.allowed.size() != 1) continue;
        const auto written = std::ranges::find(json.members(), field.name, &Json::Member::name);
        if (written == json.members().end() || !written->value.is_string()) continue;
        if (written->value.as_string() == field.value.allowed[0]) return false;
        given = &*written;
        tags.push_back(field.value.allowed[0]);
      }
    }
    if (tags.size() < 2) return false;
    const std::string_view word = given->value.as_string();
    add(given->value, member_path(path, given->name), "unknown " + given->name + " " + quote(word),
        did_you_mean(word, tags, "one of"));
    return true;
  }

  void map(const Json& json, const Schema& schema, const std::string& path) {
    if (!json.is_object()) return wrong_type(json, schema, path);
    count(json, schema, path, json.members().size());
    for (const Json::Member& member : json.members()) {
      std::string why;
      if (schema.check != nullptr && !schema.check(member.name, why)) {
        problems_.push_back({member.name_position, path, quote(member.name) + " is not a valid name here", why});
      }
      value(member.value, schema.item(), member_path(path, member.name));
    }
  }

  Problems& problems_;
};

void check_defaults(const Schema& schema, const std::string& path, Problems& problems) {
  for (const Field& field : schema.fields) {
    const std::string below = member_path(path, field.name);
    if (field.default_value) Check(problems).value(*field.default_value, field.value, below);
    check_defaults(field.value, below, problems);
  }
  for (const Schema& part : schema.parts) check_defaults(part, path, problems);
}

}  // namespace

Problems check(const Json& value, const Schema& schema, std::string_view path) {
  Problems problems;
  Check(problems).value(value, schema, std::string(path));
  return problems;
}

Problems default_problems(const Schema& schema, std::string_view path) {
  Problems problems;
  check_defaults(schema, std::string(path), problems);
  return problems;
}

std::string item_path(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

std::string member_path(std::string_view path, std::string_view name) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || !std::ranges::all_of(name, word)) return std::string(path) + "[" + quote(name) + "]";
  return path.empty() ? std::string(name) : std::string(path) + "." + std::string(name);
}

std::string describe_value(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::null:
      return "nothing";
    case Json::Kind::boolean:
      return value.as_boolean() ? "true" : "false";
    case Json::Kind::integer:
    case Json::Kind::number:
      return "the number " + to_canonical(value);
    case Json::Kind::string:
      return "the string " + quote(value.as_string());
    case Json::Kind::array:
      return "a list";
    case Json::Kind::object:
      return "an object";
  }
  return "a value";
}

}  // namespace weir
