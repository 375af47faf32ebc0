#include "control/api/routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/api/handlers.h"

namespace weir::control::api {
namespace {

using Words = std::vector<std::string_view>;

const Words kNone = {};
const Words kWrite = {"dry_run", "publish"};
const Words kDryRun = {"dry_run"};
const Words kList = {"limit", "cursor", "tag", "q"};
const Words kSealedList = {"limit", "cursor", "tag", "q", "sealed"};
const Words kSealed = {"sealed"};
const Words kPages = {"limit", "cursor"};

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  for (path.remove_prefix(1);;) {
    const std::size_t slash = path.find('/');
    out.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

class Table {
 public:
  void add(std::string_view method, std::string path, Need need, Takes takes, const Words& query, Handler handler,
           std::optional<Kind> kind = {}, Way way = Way::thread) {
    auto segments = split(path);
    rows_.push_back({method, std::move(path), std::move(segments), need, takes, kind, query, handler, way});
  }
  std::vector<Route> take() { return std::move(rows_); }

 private:
  std::vector<Route> rows_;
};

void add_objects(Table& table, Kind kind) {
  const std::string all = fmt::format("/v1/{}", collection(kind));
  const std::string one = all + "/{name}";
  const bool sealed = kind == Kind::certificate || kind == Kind::secret;
  table.add("GET", all, Need::read, Takes::nothing, sealed ? kSealedList : kList, list_objects, kind);
  table.add("POST", all, Need::edit, Takes::json, kWrite, create_object, kind);
  table.add("GET", one, Need::read, Takes::nothing, sealed ? kSealed : kNone, get_object, kind);
  table.add("PUT", one, Need::edit, Takes::json, kWrite, put_object, kind);
  table.add("PATCH", one, Need::edit, Takes::merge_patch, kWrite, patch_object, kind);
  table.add("DELETE", one, Need::edit, Takes::nothing, kWrite, delete_object, kind);
  // Those with a plugin_chain of their own; the global one is /v1/policies.
  if (kind != Kind::route && kind != Kind::upstream && kind != Kind::consumer && kind != Kind::group) return;
  const std::string filter = one + "/filters/{filter}";
  table.add("GET", filter, Need::read, Takes::nothing, kNone, get_attached, kind);
  table.add("PUT", filter, Need::edit, Takes::optional_json, kWrite, attach_filter, kind);
  table.add("DELETE", filter, Need::edit, Takes::nothing, kWrite, detach_filter, kind);
}

void add_publishing(Table& table) {
  table.add("POST", "/v1/batch", Need::token, Takes::json, kWrite, apply_batch);
  table.add("GET", "/v1/draft", Need::read, Takes::nothing, kNone, get_draft);
  table.add("POST", "/v1/draft/check", Need::read, Takes::nothing, kNone, check_draft);
  table.add("POST", "/v1/draft/discard", Need::roll_back, Takes::nothing, kDryRun, discard_draft);
  table.add("POST", "/v1/publish", Need::publish, Takes::optional_json, kDryRun, publish_draft);
  const std::string one = "/v1/revisions/{number}";
  table.add("GET", "/v1/revisions", Need::read, Takes::nothing, kPages, list_revisions);
  table.add("GET", one, Need::read, Takes::nothing, kNone, get_revision);
  table.add("GET", one + "/document", Need::read, Takes::nothing, kNone, get_document);
  table.add("GET", one + "/diff", Need::read, Takes::nothing, {"against"}, get_diff);
  table.add("GET", one + "/status", Need::read, Takes::nothing, {"wait", "timeout"}, get_status);
  table.add("POST", one + "/rollback", Need::roll_back, Takes::optional_json, kDryRun, roll_back);
  table.add("GET", "/v1/instances", Need::read, Takes::nothing, kNone, list_instances);
  table.add("GET", "/v1/audit", Need::audit, Takes::nothing, kPages, list_audit);
  table.add("GET", "/v1/audit/verify", Need::audit, Takes::nothing, kNone, verify_chain);
}

void add_people(Table& table) {
  const std::string one = "/v1/operators/{name}";
  table.add("GET", "/v1/whoami", Need::token, Takes::nothing, kNone, who_am_i);
  table.add("GET", "/v1/operators", Need::see_operators, Takes::nothing, kNone, list_operators);
  table.add("POST", "/v1/operators", Need::operators, Takes::json, kDryRun, create_operator);
  table.add("GET", one, Need::see_operators, Takes::nothing, kNone, get_operator);
  table.add("PATCH", one, Need::operators, Takes::merge_patch, kDryRun, patch_operator);
  table.add("DELETE", one, Need::operators, Takes::nothing, kDryRun, delete_operator);
  // Everybody may make tokens for themselves.
  table.add("POST", one + "/tokens", Need::token, Takes::optional_json, kNone, create_token);
  table.add("DELETE", one + "/tokens/{id}", Need::token, Takes::nothing, kNone, delete_token);
  const std::string keys = "/v1/consumers/{name}/keys";
  table.add("GET", keys, Need::read, Takes::nothing, kNone, list_keys);
  table.add("POST", keys, Need::keys, Takes::optional_json, kNone, create_key);
  table.add("POST", keys + "/{id}/rotate", Need::keys, Takes::optional_json, kNone, rotate_key);
  table.add("DELETE", keys + "/{id}", Need::keys, Takes::nothing, kNone, revoke_key);
}

std::vector<Route> make_routes() {
  Table table;
  const auto page = [&](const char* path, Plain handler, Way way) {
    table.add("GET", path, Need::nothing, Takes::nothing, kNone, handler, {}, way);
  };
  page("/openapi.yaml", openapi, Way::loop);
  page("/livez", live, Way::loop);
  page("/readyz", ready, Way::pulse);
  page("/metrics", metrics, Way::pulse);
  for (int kind = 0; kind < kKindCount; ++kind) add_objects(table, static_cast<Kind>(kind));
  table.add("GET", "/v1/filters", Need::read, Takes::nothing, kNone, list_filters);
  table.add("GET", "/v1/filters/{filter}", Need::read, Takes::nothing, kNone, get_filter);
  add_publishing(table);
  add_people(table);
  return table.take();
}

bool fits(const Route& route, const std::vector<std::string>& segments) noexcept {
  return std::ranges::equal(route.segments, segments, [](const std::string& wanted, const std::string& found) {
    return wanted.starts_with('{') ? !found.empty() : wanted == found;
  });
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> kRoutes = make_routes();
  return kRoutes;
}

Outcome<const Route*> find_route(const ApiRequest& request) {
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  std::string allowed;
  for (const Route& route : routes()) {
    if (!fits(route, request.segments)) continue;
    if (route.method == method) return &route;
    allowed.append(allowed.empty() ? "" : ", ").append(route.method);
    if (route.method == "GET") allowed.append(", HEAD");
  }
  if (allowed.empty())
    return refuse(Why::not_found,
                  fmt::format("the admin API has no {}; /openapi.yaml says what it has", request.path));
  auto out = refuse(Why::method_not_allowed, fmt::format("{} takes {}", request.path, allowed));
  out.error().fields.emplace_back("Allow", allowed);
  return out;
}

const std::string& Call::parameter(std::string_view name) const {
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const std::string& segment = route.segments[i];
    if (segment.size() == name.size() + 2 && segment.starts_with('{') && segment.substr(1, name.size()) == name)
      return request.segments[i];
  }
  std::abort();
}

}  // namespace weir::control::api
