// Filter headers: changes header fields of the request on its way to the upstream and of the response on its way to
// the client. Always in the order remove, rename, set, add. What frames a message or belongs to one connection cannot
// be named. Exchange's thread.
#include "filters/config/config.h"
#include "filters/transformation/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Template;
using pipeline::Verdict;

Schema header_name() { return schema::string().named("header name").format(is_field_name); }

Schema side() {
  return schema::object({
      schema::field("remove", schema::array(header_name())).doc("Fields that go."),
      schema::field("rename", schema::map(header_name()).names(is_field_name))
          .doc("Old name to new name; values and their order stay. A field that has the new name already stays too: "
               "remove it first if clients may send it."),
      schema::field("set", schema::map(schema::string()).names(is_field_name))
          .doc(
              "Replaces every field of that name by one. The value is a template; where it comes out empty the field "
              "is removed, so that a client's own never passes for it."),
      schema::field(
          "add",
          schema::map(schema::one_of({schema::string(), schema::array(schema::string())})).names(is_field_name))
          .doc("Adds a field, or one per item of a list, beside those that are there. Templates; an empty one adds "
               "nothing."),
  });
}

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("request", side()).doc("Changes of what the upstream sees."),
      schema::field("response", side())
          .doc("Changes of what the client sees, also on errors that Weir answers itself."),
  });
  return kSchema;
}

struct Edits {
  struct Rename {
    std::string from;
    std::string to;
  };
  struct Write {
    FieldRef field;
    Template value;
  };
  std::vector<FieldRef> remove;
  std::vector<Rename> rename;
  std::vector<Write> set;
  std::vector<Write> add;

  bool empty() const noexcept { return remove.empty() && rename.empty() && set.empty() && add.empty(); }

  void apply(http::Fields& fields, Exchange& exchange) const {
    for (const FieldRef& field : remove) field.remove(fields);
    for (const Rename& one : rename) fields.rename(one.from, one.to);
    for (const Write& one : set) {
      const std::string_view value = one.value.render(exchange);
      value.empty() ? one.field.remove(fields) : one.field.set(fields, value);
    }
    for (const Write& one : add) {
      const std::string_view value = one.value.render(exchange);
      if (!value.empty()) one.field.append(fields, value);
    }
  }
};

class Headers final : public pipeline::Filter {
 public:
  Headers(Edits request, Edits response) : request_(std::move(request)), response_(std::move(response)) {}

  Hooks hooks() const noexcept override {
    return {.request = !request_.empty(), .response = !response_.empty(), .finish = false};
  }
  std::vector<std::string_view> captures_used() const override {
    std::vector<std::string_view> out;
    for (const Edits* edits : {&request_, &response_}) {
      for (const Edits::Write& one : edits->set) one.value.captures_used(out);
      for (const Edits::Write& one : edits->add) one.value.captures_used(out);
    }
    return out;
  }

  Verdict on_request(Exchange& exchange) const override {
    request_.apply(exchange.request.fields, exchange);
    return Verdict::next();
  }
  void on_response(Exchange& exchange) const override { response_.apply(exchange.response.fields, exchange); }

 private:
  Edits request_;
  Edits response_;
};

// Reads one side of the config.
class Reader {
 public:
  Reader(const Fields& fields, Side side, Problems& problems) : fields_(fields), side_(side), problems_(problems) {}

  Edits read() {
    Edits out;
    for (std::size_t i = 0; i < fields_.items("remove").size(); ++i) {
      const Json& name = fields_.items("remove")[i];
      if (permitted(name.as_string(), name.position, item_path(fields_.path("remove"), i))) {
        out.remove.push_back(field_ref(name.as_string()));
      }
    }
    for (const Json::Member& one : fields_.members("rename")) {
      const std::string path = member_path(fields_.path("rename"), one.name);
      const bool from = permitted(one.name, one.name_position, path);
      if (permitted(one.value.as_string(), one.value.position, path) && from) {
        out.rename.push_back({one.name, std::string(one.value.as_string())});
      }
    }
    for (const std::string_view what : {"set", "add"}) {
      for (const Json::Member& one : fields_.members(what)) {
        write(one, member_path(fields_.path(what), one.name), what == "set" ? out.set : out.add);
      }
    }
    return out;
  }

 private:
  bool permitted(std::string_view name, Position position, const std::string& path) {
    Template::Mistake refused = refused_field(name, side_);
    if (refused.message.empty()) return true;
    problems_.push_back({position, path, std::move(refused.message), std::move(refused.hint)});
    return false;
  }

  void write(const Json::Member& one, const std::string& path, std::vector<Edits::Write>& out) {
    if (!permitted(one.name, one.name_position, path)) return;
    const Template::Use use{.response = side_ == Side::response, .lines = false};
    if (one.value.is_string()) {
      out.push_back({field_ref(one.name), read_template(one.value, path, use, problems_)});
      return;
    }
    for (std::size_t i = 0; i < one.value.items().size(); ++i) {
      out.push_back({field_ref(one.name), read_template(one.value.items()[i], item_path(path, i), use, problems_)});
    }
  }

  const Fields& fields_;
  Side side_;
  Problems& problems_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  Problems problems;
  Edits request = Reader(fields.object("request"), Side::request, problems).read();
  Edits response = Reader(fields.object("response"), Side::response, problems).read();
  if (!problems.empty()) return std::unexpected(std::move(problems));
  if (request.empty() && response.empty()) {
    return std::unexpected(
        Problems{{config.position, {}, "changes nothing: \"request\" and \"response\" are empty", {}}});
  }
  return std::make_unique<Headers>(std::move(request), std::move(response));
}

}  // namespace

pipeline::FilterSpec headers_spec() {
  return {"headers", pipeline::Phase::transformation,
          "Removes, renames, sets and adds header fields of requests and responses.", schema_of, make};
}

}  // namespace weir::filters
