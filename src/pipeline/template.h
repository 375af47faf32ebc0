// Texts of the config with values of the request in them: "/v2/orders/${path.id}". Parsed when a filter is made,
// immutable afterwards and shared by all workers; rendered on the exchange's thread without allocation beyond its
// arena.
//
//   request_id  trace_id  client_ip  host (without port)  path (canonical)  query (with its "?", or empty)
//   method  scheme  route_id  revision  consumer  status (only in a response)
//   path.NAME (a capture of the route's pattern)  header.NAME (the first value of that request header)
//
// "$$" is a dollar. A value the request does not have is empty.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "http/message/field_name.h"
#include "pipeline/escape.h"
#include "pipeline/exchange.h"

namespace weir::pipeline {

enum class Variable : std::uint8_t {
  none,  // literal text
  request_id,
  trace_id,
  client_ip,
  host,
  path,
  query,
  method,
  scheme,
  route_id,
  revision,
  consumer,
  status,
  capture,
  header,
};

class Template {
 public:
  struct Use {
    bool response = false;  // ${status} is known
    bool lines = false;     // line breaks and tabs may be in the text
  };
  struct Mistake {
    std::string message;
    std::string hint;
  };
  // What a value becomes where it is put; literal text stays as it is.
  enum class Place : std::uint8_t {
    plain,     // as it is: header values, plain text
    location,  // a URL: path, captures, query, host and scheme as they are, any other value as a component
    query,     // one value of a query: literal text is encoded too
    html,
    json,
  };

  // Most parts of one template: each costs a few bytes of stack on rendering.
  static constexpr std::size_t kMostParts = 32;

  Template() = default;
  static std::expected<Template, Mistake> parse(std::string_view text, Use use);

  // A view into the exchange's arena, its request or this template; all outlive the exchange.
  std::string_view render(Exchange& exchange, Place place = Place::plain) const;

  bool empty() const noexcept { return parts_.empty(); }
  bool constant() const noexcept;  // no variable in it
  bool uses(Variable variable) const noexcept;
  // Adds the names of the captures in it; views into this template.
  void captures_used(std::vector<std::string_view>& out) const;

  // The text with a harmless stand-in for each value, to check at make() that it has the right form.
  std::string sample() const;

 private:
  struct Part {
    Variable variable = Variable::none;
    http::FieldName id = http::FieldName::other;
    std::string text;  // the literal, or NAME
  };
  std::vector<Part> parts_;

  static std::string_view value(const Part& part, Exchange& exchange);
  static std::expected<Part, Mistake> variable(std::string_view name, Use use);
};

}  // namespace weir::pipeline
