// What becomes of the answer of a forward_auth service: fields for the upstream, who calls, or the response to the
// client. Made by the filter's make(), immutable; used on the exchange's thread.
#pragma once

#include <string>
#include <vector>

#include "filters/config/config.h"
#include "identity/consumer_book.h"
#include "pipeline/exchange.h"
#include "upstream/fetch.h"

namespace weir::filters {

struct ForwardAnswer {
  std::vector<FieldRef> upstream_headers;
  std::vector<FieldRef> client_headers;
  // Names of the answer's fields; an empty consumer: it does not say who calls.
  std::string consumer;
  std::string user;
  std::string groups;
  std::string scopes;
  const identity::ConsumerBook* consumers = nullptr;  // of the config: one of that name brings its groups

  // The client's own fields of the names that are the service's to say go, those of the identity too.
  void strip(http::Fields& request) const;
  // The service lets it pass. False: it was to say who calls, and did not; nothing has been changed.
  bool accept(pipeline::Exchange& exchange, const upstream::Fetched& answer) const;
  // The service's refusal becomes exchange.response and .answer.
  void refuse(pipeline::Exchange& exchange, const upstream::Fetched& answer) const;
};

}  // namespace weir::filters
