// Builds a Json from libfyaml's event stream (load.h). Events and not its document tree: so depth, duplicates and
// alias expansion are bounded here before memory is spent, and every mark is at hand.
#include "adapters/yaml/load.h"

#include <libfyaml.h>

#include <memory>
#include <optional>
#include <unordered_map>

#include "adapters/yaml/scalar.h"
#include "base/json/utf8.h"

namespace weir::yaml {
namespace {

constexpr std::string_view kCorePrefix = "tag:yaml.org,2002:";
// What one node costs when an alias copies it, besides its text.
constexpr std::size_t kNodeCost = sizeof(Json::Member);

Position position_of(const fy_mark& mark) noexcept { return {mark.line + 1, mark.column + 1}; }

std::string_view text_of(fy_token* token) {
  std::size_t length = 0;
  const char* text = token == nullptr ? nullptr : fy_token_get_text(token, &length);
  return text == nullptr ? std::string_view() : std::string_view(text, length);
}

// libfyaml 0.7.12 ends the stream without an error at a NUL or at bytes that are not UTF-8, and would drop the rest
// of the file. So everything outside YAML's printable set (YAML 1.2.2 §5.1) is refused before it sees the text.
std::optional<Problem> unreadable(std::string_view text) {
  Position at{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) return Problem{at, "", "the text is not valid UTF-8", ""};
    const std::string_view sequence = text.substr(i, length);
    const bool c0 = byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t';
    const bool c1 = byte == 0xc2 && static_cast<std::uint8_t>(sequence[1]) < 0xa0 && sequence != "\xc2\x85";
    const bool noncharacter = sequence == "\xef\xbf\xbe" || sequence == "\xef\xbf\xbf";
    if (c0 || c1 || byte == 0x7f || noncharacter) return Problem{at, "", "a control character in the text", ""};
    if (sequence == "\xef\xbb\xbf" && i != 0) return Problem{at, "", "a byte order mark inside the text", ""};
    at = byte == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
    i += length;
  }
  return std::nullopt;
}

// A container that is still open.
struct Frame {
  bool is_object = false;
  bool named = false;  // the last member of `members` waits for its value
  Position position;
  std::string anchor;
  Json::Array items;
  Json::Object members;
};

std::size_t cost_of(const Json& json) {
  std::size_t cost = kNodeCost + json.as_string().size();
  for (const Json& item : json.items()) cost += cost_of(item);
  for (const Json::Member& member : json.members()) cost += member.name.size() + cost_of(member.value);
  return cost;
}

int depth_of(const Json& json) {
  int deepest = 0;
  for (const Json& item : json.items()) deepest = std::max(deepest, depth_of(item));
  for (const Json::Member& member : json.members()) deepest = std::max(deepest, depth_of(member.value));
  return json.is_array() || json.is_object() ? deepest + 1 : 0;
}

class Builder {
 public:
  Builder() { root_.position = last_; }  // what an empty text is: null at its beginning

  // False: stop, problem() says why.
  bool take(fy_event& event) {
    if (const fy_mark* mark = fy_event_start_mark(&event)) last_ = position_of(*mark);
    switch (event.type) {
      case FYET_DOCUMENT_START:
        return document_start(event);
      case FYET_SCALAR:
        return scalar(event.scalar);
      case FYET_ALIAS:
        return alias(text_of(event.alias.anchor));
      case FYET_SEQUENCE_START:
        return open(false, event.sequence_start.anchor, event.sequence_start.tag);
      case FYET_MAPPING_START:
        return open(true, event.mapping_start.anchor, event.mapping_start.tag);
      case FYET_SEQUENCE_END:
      case FYET_MAPPING_END:
        return close();
      default:
        return true;
    }
  }

  Json& root() noexcept { return root_; }
  Problem& problem() noexcept { return problem_; }

 private:
  bool document_start(fy_event& event) {
    if (started_) return refuse("a second document begins here", "a file holds one document: remove the \"---\"");
    started_ = true;
    fy_document_state* state = event.document_start.document_state;
    const fy_version* version = fy_document_state_version(state);
    const bool other = version->major != 1 || version->minor != 2;
    if (!fy_document_state_version_explicit(state) || !other) return true;
    return refuse("only YAML 1.2 is read", "remove the %YAML line");
  }

  bool scalar(const fy_event_scalar_data& scalar) {
    const std::string_view text = text_of(scalar.value);
    const fy_scalar_style style = fy_token_scalar_style(scalar.value);
    // libfyaml's mark stands behind the opening quote.
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) --last_.column;
    const Position where = last_;
    if (text.contains('\0')) return refuse_nul(style);
    const bool is_name = expects_name();
    if (is_name && style == FYSS_PLAIN && text == "<<") {
      return refuse("merge keys (<<) are not supported",
                    "write the fields out; an alias may stand for a whole value");
    }
    std::expected<Json, std::string> value = style == FYSS_PLAIN ? resolve_plain(text) : Json(text);
    if (scalar.tag != nullptr) {
      const std::string_view tag = text_of(scalar.tag);
      if (tag == "tag:yaml.org,2002:str" || tag == "!") {
        value = Json(text);
      } else if (!is_core(tag)) {
        return refuse_tag(tag);
      } else if (value && !fits(tag.substr(kCorePrefix.size()), *value)) {
        return refuse("the value does not fit its tag", "remove the tag");
      }
    }
    if (!value) return refuse(value.error(), "put it in quotes if it is a text");
    value->position = where;
    if (is_name && !value->is_string()) {
      return refuse("a field's name must be a string, found " + std::string(text.empty() ? "nothing" : text),
                    "put it in quotes");
    }
    return remember(text_of(scalar.anchor), *value) && attach(std::move(*value));
  }

  // Only double quotes have an escape for a NUL, and the file holds none (unreadable()). Elsewhere it is libfyaml
  // 0.7.12, which loses the line break of some empty lines before indented ones in a folded text, and counts it all
  // the same: a NUL and memory that nobody wrote stand at the end.
  bool refuse_nul(fy_scalar_style style) {
    if (style == FYSS_DOUBLE_QUOTED) return refuse("a NUL character in the text", "remove the escape");
    return refuse("this folded text cannot be read exactly", "write it with | instead of >, or in quotes");
  }

  static bool is_core(std::string_view tag) {
    if (!tag.starts_with(kCorePrefix)) return false;
    const std::string_view name = tag.substr(kCorePrefix.size());
    return name == "null" || name == "bool" || name == "int" || name == "float";
  }

  static bool fits(std::string_view name, const Json& value) noexcept {
    if (name == "null") return value.is_null();
    if (name == "bool") return value.is_boolean();
    return name == "int" ? value.is_integer() : value.is_number();
  }

  bool refuse_tag(std::string_view tag) {
    return refuse("the tag " + std::string(tag) + " is not supported", "remove it");
  }

  bool alias(std::string_view name) {
    --last_.column;  // libfyaml's mark stands behind the asterisk
    if (expects_name()) return refuse("an alias cannot be a field's name");
    const auto anchor = anchors_.find(std::string(name));
    if (anchor == anchors_.end()) return refuse("no anchor &" + std::string(name) + " is complete before this alias");
    if (!spend(anchor->second)) return false;
    if (static_cast<int>(open_.size()) + depth_of(anchor->second) > kJsonDepthLimit) return refuse_depth();
    Json copy = anchor->second;
    copy.position = last_;
    return attach(std::move(copy));
  }

  bool open(bool is_object, fy_token* anchor, fy_token* tag) {
    if (expects_name()) return refuse("a field's name must be a string, found a list or an object");
    if (tag != nullptr) {
      const std::string_view given = text_of(tag);
      const std::string_view own = is_object ? "tag:yaml.org,2002:map" : "tag:yaml.org,2002:seq";
      if (given != own && given != "!") return refuse_tag(given);
    }
    if (static_cast<int>(open_.size()) == kJsonDepthLimit) return refuse_depth();
    open_.push_back({is_object, false, last_, std::string(text_of(anchor)), {}, {}});
    return true;
  }

  bool close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    if (const Json::Member* twin = find_duplicate(frame.members)) {
      last_ = twin->name_position;
      return refuse("the field \"" + twin->name + "\" stands here twice");
    }
    Json value = frame.is_object ? Json(std::move(frame.members)) : Json(std::move(frame.items));
    value.position = frame.position;
    return remember(frame.anchor, value) && attach(std::move(value));
  }

  bool attach(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Frame& frame = open_.back();
    if (!frame.is_object) {
      frame.items.push_back(std::move(value));
    } else if (frame.named) {
      frame.members.back().value = std::move(value);
      frame.named = false;
    } else {
      frame.members.push_back({std::string(value.as_string()), Json(), value.position});
      frame.named = true;
    }
    return true;
  }

  // Keeps a copy for the aliases to come. The copy counts as expansion too: anchors within anchors within anchors
  // would otherwise hold the text once per level.
  bool remember(std::string_view anchor, const Json& value) {
    if (anchor.empty()) return true;
    if (!spend(value)) return false;
    anchors_[std::string(anchor)] = value;
    return true;
  }

  bool spend(const Json& value) {
    expanded_ += cost_of(value);
    return expanded_ <= kFileLimit || refuse("the aliases of this file multiply to too much text");
  }

  bool expects_name() const noexcept { return !open_.empty() && open_.back().is_object && !open_.back().named; }

  bool refuse(std::string message, std::string hint = {}) {
    problem_ = {last_, "", std::move(message), std::move(hint)};
    return false;
  }

  bool refuse_depth() { return refuse("nested deeper than " + std::to_string(kJsonDepthLimit) + " levels"); }

  std::vector<Frame> open_;
  std::unordered_map<std::string, Json> anchors_;
  std::size_t expanded_ = 0;
  bool started_ = false;
  Position last_{1, 1};  // of the last event that has a mark: an empty value has none
  Json root_;
  Problem problem_;
};

using Diagnostics = std::unique_ptr<fy_diag, decltype([](fy_diag* diag) { fy_diag_destroy(diag); })>;
using Parser = std::unique_ptr<fy_parser, decltype([](fy_parser* parser) { fy_parser_destroy(parser); })>;

Problem first_error(fy_diag* diagnostics) {
  void* place = nullptr;
  const fy_diag_error* error = fy_diag_errors_iterate(diagnostics, &place);
  if (error == nullptr) return {{1, 1}, "", "this is not YAML", ""};
  return {{error->line, error->column}, "", error->msg, ""};
}

}  // namespace

std::expected<Json, Problem> load(std::string_view text) {
  if (text.size() > kFileLimit) return std::unexpected(Problem{{}, "", "larger than 16 MiB", ""});
  if (auto problem = unreadable(text)) return std::unexpected(std::move(*problem));

  fy_diag_cfg diagnostics_config{};
  fy_diag_cfg_default(&diagnostics_config);
  diagnostics_config.fp = nullptr;
  diagnostics_config.output_fn = [](fy_diag*, void*, const char*, std::size_t) {};  // nothing reaches stderr
  const Diagnostics diagnostics(fy_diag_create(&diagnostics_config));
  fy_diag_set_collect_errors(diagnostics.get(), true);

  fy_parse_cfg config{};
  config.flags =
      static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2);
  config.diag = diagnostics.get();
  const Parser parser(fy_parser_create(&config));
  if (parser == nullptr || fy_parser_set_string(parser.get(), text.data(), text.size()) != 0) {
    return std::unexpected(Problem{{}, "", "no memory to read it", ""});
  }

  Builder builder;
  bool ended = false;
  while (fy_event* event = fy_parser_parse(parser.get())) {
    ended = event->type == FYET_STREAM_END;
    const bool taken = builder.take(*event);
    fy_parser_event_free(parser.get(), event);
    if (!taken) return std::unexpected(std::move(builder.problem()));
  }
  if (!ended || fy_parser_get_stream_error(parser.get())) return std::unexpected(first_error(diagnostics.get()));
  return std::move(builder.root());
}

}  // namespace weir::yaml
