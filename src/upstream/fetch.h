// One HTTP/1.1 call of Weir's own to an outside service: a token's introspection, a question to an authorisation
// service, a key set. Called by filters that wait and by background work, on whichever loop the Upstream belongs to.
// It follows no redirect, keeps no cookie and decodes no coding: what came is what the caller gets, up to a bound.
//
// On a worker the Upstream comes from the exchange's lease. Elsewhere it is made from a spec, `Upstream(loop, spec)`,
// and told the addresses of its names by resolved(), without those that is_private() if the caller does not trust
// who chose the name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "upstream/upstream.h"

namespace weir::upstream {

// Views must live until fetch() has returned. Values hold no CR, LF or NUL: fetch() refuses to send them.
struct FetchRequest {
  std::string_view method = "GET";
  std::string_view authority;     // what Host says
  std::string_view target = "/";  // path and query
  http::Fields fields = {};       // without Host, Connection and those that frame the body
  std::string_view body = {};
  // Asking twice does what asking once does. Else it is only sent again if nothing had been sent.
  bool repeatable = true;
};

struct Fetched {
  struct Field {
    std::string name;  // as received
    std::string value;
  };
  int status = 0;
  std::vector<Field> fields;  // in the order received; those of the connection are gone
  std::string body;           // framing taken off

  // The first of that name, whatever its case; empty if there is none.
  std::string_view value(std::string_view name) const noexcept;
};

// Lets go of a fetch from outside: it then returns client_closed as soon as its wait allows, at once unless it is
// still connecting, which the deadline bounds. Lives at least as long as the fetch; the same thread.
class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  void cancel() noexcept {
    cancelled_ = true;
    if (stream_ != nullptr) stream_->abort();
  }
  bool cancelled() const noexcept { return cancelled_; }

 private:
  friend class FetchAttempt;
  io::Stream* stream_ = nullptr;
  bool cancelled_ = false;
};

// Asks and returns the final response whole. `deadline` bounds everything: connecting, sending, each wait for bytes.
// `max_body` is in bytes; a longer body is an error as soon as that is known. A pooled connection that turns out to
// be stale is replaced once; a target that cannot be reached gives way to the next. Errors: upstream_no_address,
// upstream_refused, upstream_connect_timeout, upstream_tls_failed, upstream_closed, upstream_protocol_error (also for
// 101 and a body that is too large), upstream_timeout (the deadline), client_closed (cancelled), internal (a request
// that must not be sent).
io::Task<Result<Fetched>> fetch(Upstream& upstream, http::BufferPool& buffers, const FetchRequest& request,
                                io::TimePoint deadline, std::size_t max_body, Cancellation* cancellation = nullptr);

}  // namespace weir::upstream
