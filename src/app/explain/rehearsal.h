// A request that nobody sent, walked through the filters that decide where it goes: what `weir routes --match` says
// of the upstream's side. Only filters that go by the request alone are asked (cors, redirect, respond, headers,
// rewrite): what depends on who calls, on limits or on others is not guessed. Nothing is sent. Cold; the command's
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/explain/route_book.h"
#include "http/message/message.h"
#include "http/message/uri.h"

namespace weir::explain {

struct Rehearsed {
  // What the upstream is asked behind the destination's prefix, "/v2/orders/7?x=1", and the Host that a filter wrote:
  // it wins over the destination's and over preserve_host. Empty: none did.
  std::string target;
  std::string host;
  // The filter that answers in the upstream's place, or refuses; empty: none does.
  std::string_view ended_by;
  int status = 0;           // of that answer
  std::string location;     // of that answer, if it is a redirect
  std::string_view reason;  // the word of that refusal; empty: it is an answer
  std::string_view detail;
  // Of REQUEST-ID, TRACE-ID, CONSUMER and 192.0.2.1: those that stand in target, host or location for what only a
  // real request has.
  std::vector<std::string_view> stand_ins;
};

struct Rehearsal {
  const http::RequestHead& request;     // stripped as admission does it
  const http::CanonicalTarget& target;  // canonical, as `host` is
  std::string_view host;
  const snapshot::Match& match;       // found a route of the book
  const snapshot::ChainLinks& links;  // the filters it passes
  std::string_view consumer;          // who calls; empty: CONSUMER stands for whoever it is
};
Rehearsed rehearse(const RouteBook& book, const Rehearsal& asked);

}  // namespace weir::explain
