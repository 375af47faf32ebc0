// Rendering templates (template.h): on the exchange's thread, once or a few times per request. Two passes, because
// the arena gives one piece of known size.
#include "pipeline/template.h"

#include <charconv>
#include <string>

namespace weir::pipeline {
namespace {

std::string_view digits(std::uint64_t number, Arena& arena) {
  char out[20];
  const char* end = std::to_chars(out, out + sizeof out, number).ptr;
  return arena.copy({out, static_cast<std::size_t>(end - out)});
}

std::string_view capture(const Captures& captures, std::string_view name) noexcept {
  for (int i = 0; i < captures.count; ++i) {
    if (captures.items[i].name == name) return captures.items[i].value;
  }
  return {};
}

// Parts of the canonical path and of the query are percent-encoded already.
bool encoded(Variable variable) noexcept {
  return variable == Variable::path || variable == Variable::capture || variable == Variable::query;
}

Escape escape_for(Variable variable, Template::Place place) noexcept {
  const bool literal = variable == Variable::none;
  switch (place) {
    case Template::Place::plain:
      return Escape::none;
    case Template::Place::location:
      return literal || encoded(variable) || variable == Variable::host || variable == Variable::scheme
                 ? Escape::none
                 : Escape::component;
    case Template::Place::query:
      return encoded(variable) ? Escape::encoded : Escape::component;
    case Template::Place::html:
      return literal ? Escape::none : Escape::html;
    case Template::Place::json:
      return literal ? Escape::none : Escape::json;
  }
  return Escape::none;
}

}  // namespace

std::string_view Template::value(const Part& part, Exchange& exchange) {
  switch (part.variable) {
    case Variable::none:
      return part.text;
    case Variable::request_id:
      return exchange.request_id;
    case Variable::trace_id:
      return exchange.trace_id;
    case Variable::client_ip:
      return exchange.arena.copy(exchange.client.to_string());
    case Variable::host:
      return exchange.host;
    case Variable::path:
      return exchange.path;
    case Variable::query:
      if (!exchange.has_query) return {};
      return exchange.arena.concat({"?", exchange.query});
    case Variable::method:
      return exchange.request.method_text;
    case Variable::scheme:
      return exchange.secure ? "https" : "http";
    case Variable::route_id:
      return exchange.route != nullptr ? std::string_view(exchange.route->id) : std::string_view();
    case Variable::revision:
      return digits(exchange.lease.revision, exchange.arena);
    case Variable::consumer:
      return exchange.auth.identity.consumer;
    case Variable::status:
      return digits(static_cast<std::uint64_t>(exchange.response.status), exchange.arena);
    case Variable::capture:
      return capture(exchange.captures, part.text);
    case Variable::header: {
      const http::Fields& fields = exchange.request.fields;
      const http::Field* field =
          part.id != http::FieldName::other ? fields.find(part.id) : fields.find(std::string_view(part.text));
      return field != nullptr ? field->value : std::string_view();
    }
  }
  return {};
}

std::string_view Template::render(Exchange& exchange, Place place) const {
  if (parts_.empty()) return {};
  if (parts_.size() == 1 && escape_for(parts_[0].variable, place) == Escape::none) return value(parts_[0], exchange);
  std::string_view values[kMostParts];
  std::size_t room = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    values[i] = value(parts_[i], exchange);
    room += values[i].size() * growth(escape_for(parts_[i].variable, place));
  }
  char* const begin = exchange.arena.allocate(room);
  char* end = begin;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    end = write_escaped(end, values[i], escape_for(parts_[i].variable, place));
  }
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace weir::pipeline
