// Promise: docs/openapi.yaml says what the admin API does, no less and no more: the same paths, methods, parameters
// and bodies as the table of routes, the same fields as the config's own schemas.
#include <set>

#include "adapters/yaml/load.h"
#include "control/api/openapi.h"
#include "control/api/routes.h"
#include "tests/control/api/scene.h"

namespace weir::control::api {
namespace {

using Words = std::set<std::string>;

class OpenApi : public testing::Test {
 protected:
  OpenApi() {
    auto loaded = yaml::load(openapi_text());
    EXPECT_TRUE(loaded);
    if (loaded) document = std::move(*loaded);
  }

  const Json& at(std::initializer_list<std::string_view> path) const {
    static const Json kNothing;
    const Json* found = &document;
    for (const std::string_view name : path)
      if (found != nullptr) found = found->find(name);
    EXPECT_NE(found, nullptr) << (path.size() ? *(path.end() - 1) : "");
    return found ? *found : kNothing;
  }
  // What a $ref stands for, else itself.
  const Json& resolved(const Json& json) const {
    const Json* ref = json.find("$ref");
    if (ref == nullptr) return json;
    std::string_view path = ref->as_string();
    EXPECT_TRUE(path.starts_with("#/components/")) << path;
    path.remove_prefix(std::string_view("#/components/").size());
    const std::size_t slash = path.find('/');
    return at({"components", path.substr(0, slash), path.substr(slash + 1)});
  }
  Words parameters(const Json& operation, std::string_view in) const {
    Words out;
    if (const Json* list = operation.find("parameters"))
      for (const Json& one : list->items())
        if (const Json& known = resolved(one); known.find("in")->as_string() == in)
          out.emplace(known.find("name")->as_string());
    return out;
  }
  void check_references(const Json& json) const {
    if (json.find("$ref") != nullptr) EXPECT_TRUE(resolved(json).is_object());
    for (const Json& item : json.items()) check_references(item);
    for (const Json::Member& member : json.members()) check_references(member.value);
  }

  Json document;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c | 0x20);
  return out;
}

TEST_F(OpenApi, has_every_route) {
  for (const Route& route : routes()) {
    SCOPED_TRACE(std::string(route.method) + " " + route.path);
    const Json& path = at({"paths", route.path});
    const Json* operation = path.find(lower(route.method));
    ASSERT_NE(operation, nullptr);
    EXPECT_EQ(parameters(*operation, "query"), Words(route.query.begin(), route.query.end()));
    Words in_path;
    for (const std::string& segment : route.segments)
      if (segment.starts_with('{')) in_path.insert(segment.substr(1, segment.size() - 2));
    EXPECT_EQ(parameters(path, "path"), in_path);
    const Json* body = operation->find("requestBody");
    EXPECT_EQ(body != nullptr, route.takes != Takes::nothing);
    if (body != nullptr) {
      EXPECT_EQ(body->find("required")->as_boolean(), route.takes != Takes::optional_json);
      EXPECT_EQ(body->find("content")->find("application/merge-patch+json") != nullptr,
                route.takes == Takes::merge_patch);
    }
    EXPECT_EQ(operation->find("security") != nullptr, route.need == Need::nothing);
  }
}

TEST_F(OpenApi, has_no_other) {
  Words known;
  for (const Route& route : routes()) known.insert(lower(route.method) + " " + route.path);
  Words said;
  for (const Json::Member& path : at({"paths"}).members())
    for (const Json::Member& method : path.value.members())
      if (method.name != "parameters") said.insert(method.name + " " + path.name);
  EXPECT_EQ(said, known);
}

TEST_F(OpenApi, names_the_fields_of_objects) {
  const Schemas schemas(filters::table());
  const std::pair<Kind, std::string_view> kinds[] = {
      {Kind::route, "RouteBody"},   {Kind::upstream, "UpstreamBody"}, {Kind::consumer, "ConsumerBody"},
      {Kind::group, "GroupBody"},   {Kind::policy, "PolicyBody"},     {Kind::certificate, "CertificateBody"},
      {Kind::secret, "SecretBody"},
  };
  for (const auto& [kind, name] : kinds) {
    SCOPED_TRACE(name);
    const Schema& schema = schemas.of(kind);
    Words fields = {"_meta", "_revision"}, required;
    for (const Field& field : kind == Kind::policy ? schema.parts.front().fields : schema.fields) {
      if (field.missing_feature.empty()) fields.emplace(field.name);
      if (field.is_required) required.emplace(field.name);
    }
    const Json& said = at({"components", "schemas", name});
    Words properties, needed;
    for (const Json::Member& member : said.find("properties")->members()) properties.insert(member.name);
    if (const Json* list = said.find("required"))
      for (const Json& one : list->items()) needed.emplace(one.as_string());
    EXPECT_EQ(properties, fields);
    EXPECT_EQ(needed, required);
  }
}

TEST_F(OpenApi, names_the_filters) {
  Words known, said;
  for (const pipeline::FilterSpec& spec : filters::table()) known.emplace(spec.name);
  for (const Json& one : at({"components", "schemas", "PolicyBody", "properties", "name", "enum"}).items())
    said.emplace(one.as_string());
  EXPECT_EQ(said, known);
}

TEST_F(OpenApi, refers_to_nothing_that_is_not_there) { check_references(document); }

TEST_F(Scene, openapi_is_served) {
  const auto answer = get("/openapi.yaml");
  EXPECT_EQ(answer.type, "application/yaml");
  EXPECT_EQ(answer.body, openapi_text());
}

TEST(why, has_a_status_and_a_sentence_each) {
  Words seen;
  for (int i = 0; i < kWhyCount; ++i) {
    const WhyInfo& about = info(static_cast<Why>(i));
    EXPECT_GE(about.status, 400);
    EXPECT_TRUE(about.title.ends_with('.')) << about.word;
    EXPECT_TRUE(seen.insert(std::string(about.word)).second) << about.word;
  }
}

}  // namespace
}  // namespace weir::control::api
