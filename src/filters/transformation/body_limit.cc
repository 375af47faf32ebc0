// Filter body_limit: a smaller limit for request bodies than the listener's. A body that announces more is refused at
// once, one without a length as soon as it has grown past the limit. Exchange's thread.
#include "filters/config/config.h"
#include "filters/transformation/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Verdict;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("max", schema::size())
          .required()
          .doc("The largest request body, such as \"64KiB\"; 0 admits none. It only tightens "
               "`limits.max_body_bytes`, which holds for every route."),
  });
  return kSchema;
}

class BodyLimit final : public pipeline::Filter {
 public:
  explicit BodyLimit(std::uint64_t most) : most_(most) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const http::RequestHead& request = exchange.request;
    if (request.framing == http::Framing::length && request.content_length > most_) {
      return Verdict::refuse(Reason::body_too_large, "Content-Length is above the route's limit");
    }
    exchange.body.limit(most_);
    return Verdict::next();
  }

 private:
  std::uint64_t most_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  return std::make_unique<BodyLimit>(static_cast<std::uint64_t>(Fields(config, schema_of()).size("max")));
}

}  // namespace

pipeline::FilterSpec body_limit_spec() {
  return {"body_limit", pipeline::Phase::transformation, "Limits the size of request bodies.", schema_of, make};
}

}  // namespace weir::filters
