// delta.h: applying, and the form in which deltas travel: a line of JSON as before a document (header.h), with the
// digest it starts from, then the delta. Deltas come from outside: whatever they hold, the answer is a document or a
// sentence.
#include "revision/delta.h"

#include <algorithm>

#include "crypto/digest.h"
#include "revision/header.h"
#include "revision/merge_list.h"
#include "revision/splice.h"

namespace weir::revision {
namespace {

constexpr std::int64_t kForm = 1;

std::expected<Json::Array, std::string> apply_list(const Json& before, const Json& delta, std::string_view name) {
  const std::string_view member = id_member(name);
  if (member.empty() || !before.is_array()) return unfit(std::string(name) + " is no list of objects");
  Json::Array out;
  out.reserve(before.items().size());
  const auto add = [&out](const Json& object) { out.push_back(object); };
  if (!MergeList<decltype(add)>::is_one(delta)) return unfit("what it says of " + std::string(name));
  MergeList merge(delta, member, add);
  for (const Json& object : before.items())
    if (merge.keeps(id_of(object, member))) out.push_back(object);
  if (auto done = merge.finish(name); !done) return std::unexpected(std::move(done.error()));
  return out;
}

}  // namespace

std::expected<Json, std::string> apply(const Json& from, const Json& delta) {
  if (!is_delta(delta)) return unfit("it is none");
  static const Json kNothing = Json::object();
  const Json* const lists = delta.find("lists");
  const Json* const whole = delta.find("whole");
  const Json::Array& without = list_of(delta, "without");
  Json::Object out;
  std::size_t left_out = 0, merged = 0;
  for (const Json::Member& member : from.members()) {
    if (leaves(without, member.name)) {
      ++left_out;
    } else if (const Json* list = lists ? lists->find(member.name) : nullptr) {
      auto after = apply_list(member.value, *list, member.name);
      if (!after) return std::unexpected(std::move(after.error()));
      out.push_back({member.name, Json(std::move(*after)), {}});
      ++merged;
    } else if (!whole || !whole->find(member.name)) {
      out.push_back(member);
    }
  }
  if (left_out != without.size()) return unfit("it takes away what is not there");
  if (merged != (lists ? lists : &kNothing)->members().size()) return unfit("it changes a list that is not there");
  for (const Json::Member& member : (whole ? whole : &kNothing)->members()) out.push_back(member);
  // As in canonical text, from which documents come.
  std::ranges::sort(out, {}, &Json::Member::name);
  Json document(std::move(out));
  if (find_duplicate(document.members())) return unfit("it gives a member twice");
  return document;
}

std::string encode_delta(const Signed& from, const Signed& to) {
  auto changes = difference_of_texts(from.document, to.document);
  if (!changes) {
    const auto before = parse_json(from.document), after = parse_json(to.document);
    // A document that is no JSON has nothing in common with another.
    changes = before && after ? difference(*before, *after) : Json();
  }
  const std::string delta = to_canonical(*changes);
  Json line = describe(to);
  line.set("delta_form", kForm);
  line.set("from", from.digest);
  line.set("size", delta.size());
  return to_canonical(line) + "\n" + delta;
}

std::expected<Signed, std::string> apply_delta(const Signed& from, std::string_view bytes) {
  auto parts = split(bytes);
  if (!parts) return std::unexpected(std::move(parts.error()));
  Signed out;
  if (!read(parts->line, out)) return unfit("its first line is not one of ours");
  Json line = describe(out);
  line.set("delta_form", kForm);
  line.set("from", from.digest);
  line.set("size", parts->rest.size());
  if (to_canonical(line) != bytes.substr(0, bytes.size() - parts->rest.size() - 1))
    return unfit("it does not start from revision " + std::to_string(from.number) + ", or is torn");
  const auto delta = parse_json(parts->rest);
  if (!delta) return unfit("it is no JSON");
  if (auto text = splice(from.document, *delta); text && crypto::sha256_hex(*text) == out.digest) {
    out.document = std::move(*text);
    return out;
  }
  // Slower, and with a reason if it fails.
  const auto before = parse_json(from.document);
  if (!before) return unfit("the document it starts from is no JSON");
  const auto after = apply(*before, *delta);
  if (!after) return std::unexpected(after.error());
  out.document = to_canonical(*after);
  if (crypto::sha256_hex(out.document) != out.digest)
    return unfit("what it leads to is not revision " + std::to_string(out.number));
  return out;
}

}  // namespace weir::revision
