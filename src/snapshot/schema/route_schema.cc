// An item of `routes` and a `plugin_chain` in a config file (document_schema.h).
#include "snapshot/schema/document_schema.h"
#include "snapshot/schema/formats.h"

namespace weir::snapshot {

using namespace std::chrono_literals;
using schema::field;

namespace {

// A header's or query parameter's predicate.
Schema predicate() {
  return schema::one_of(
             {
                 schema::string().doc("The value, exactly."),
                 schema::object({
                     field("present", schema::boolean()).doc("true: it must be there, whatever its value."),
                     field("prefix", schema::string().min_length(1)).doc("What the value begins with."),
                 }),
             })
      .named("value, {present: true} or {prefix: v}");
}

std::vector<Field> where_to() {
  return {
      field("upstream_url", schema::string().named("URL"))
          .doc("Where its requests go: http://NAME of an upstream, or http:// or https:// with a host. A path behind "
               "it is put before the request's path. Not needed if a filter answers (respond, redirect)."),
      field("canary_upstream_url", schema::string().named("URL"))
          .doc("Where canary_weight percent of the callers go instead."),
      field("canary_weight", schema::number(0, 100))
          .doc("Percent of the callers that go to canary_upstream_url: always the same callers, by a stable hash."),
      field("preserve_host", schema::boolean())
          .fallback(false)
          .doc("true sends the client's Host upstream. By default the service is asked by its own name, the only one "
               "it surely knows; the client's is in X-Forwarded-Host."),
      field("timeout", schema::duration(1ms, 24h))
          .doc("From the end of the request's head to the end of the response; later is 504, or a cut response. None "
               "by default: downloads and event streams may last, and an upstream's own timeouts find a dead one."),
  };
}

std::vector<Field> which_requests() {
  return {
      field("hosts", schema::array(schema::string().named("host").format(is_host_pattern)).min_items(1).unique())
          .doc("Host names, without port: shop.example.com, or *.example.com for every name below it. Without it, "
               "every host."),
      field("path_pattern", schema::string().named("path pattern").min_length(1))
          .required()
          .doc("/users/{id}/files/**: {name} is one segment and captured, * one segment, ** the rest."),
      field("http_methods", schema::array(schema::string().named("method").format(is_method)).min_items(1).unique())
          .doc("Other methods on the same path are answered 405. GET brings HEAD along. Without it, every method."),
      field("headers", schema::map(predicate()).names(is_field_name))
          .doc("Header fields the request must have: a value, {present: true} or {prefix: v}."),
      field("query", schema::map(predicate()))
          .doc("Query parameters the request must have: a value, {present: true} or {prefix: v}."),
      field("priority", schema::integer(-1000, 1000))
          .fallback(0)
          .doc("Decides between routes that are otherwise equally specific; the higher wins."),
      field("allow_encoded_slash", schema::boolean())
          .fallback(false)
          .doc("true accepts %2F and %5C in the path, kept as they are. By default they are 400: what one server "
               "takes for a slash another does not, which opens doors."),
  };
}

std::vector<Field> policy(const Schema& plugin_chain) {
  return {
      field("auth_required", schema::boolean())
          .fallback(false)
          .doc("true refuses callers whom no auth filter of the route or of all routes could establish: 401."),
      field("rate_limit_rps", schema::number(0))
          .fallback(0)
          .doc("Requests per second for each consumer, anonymous ones by address; as many may come at once. 0: no "
               "limit. The filter rate_limit enforces it, and says where it is kept: docs/filters/rate_limit.md."),
      field("plugin_chain", plugin_chain)
          .doc("Filters of this route, besides its upstream's and the file's own plugin_chain."),
      tags_field(),
      field("updated_at", schema::string().named("time").format(is_date_time))
          .doc("When the route last changed (RFC 3339). For people and tools; Weir does nothing by it."),
  };
}

}  // namespace

Schema route_schema(const Schema& plugin_chain) {
  std::vector<Field> fields;
  fields.push_back(field("route_id", schema::string().named("route id").min_length(1).max_length(128).format(is_id))
                       .required()
                       .doc("Unique name; also in the access log and the metrics."));
  for (auto part : {which_requests(), where_to(), policy(plugin_chain)}) {
    for (Field& one : part) fields.push_back(std::move(one));
  }
  return schema::object(std::move(fields));
}

Schema plugin_chain_schema(pipeline::FilterTable filters) {
  std::vector<std::string_view> names;
  for (const pipeline::FilterSpec& spec : filters) names.push_back(spec.name);
  std::vector<Schema> forms;
  forms.push_back(schema::string().named("filter").words(names).doc("A filter's name, if it needs no config."));
  for (const pipeline::FilterSpec& spec : filters) {
    forms.push_back(schema::object({
                                       field("name", schema::string().words({spec.name})).required(),
                                       field("config", spec.schema()),
                                       field("disabled", schema::boolean())
                                           .fallback(false)
                                           .doc("true: without the filter of this name that a weaker place has "
                                                "(docs/filter-scopes.md)."),
                                   })
                        .doc(Literal::forever(spec.summary)));
  }
  return schema::array(schema::one_of(std::move(forms)).named("filter"));
}

}  // namespace weir::snapshot
