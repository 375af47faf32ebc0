// What a filter is. One filter = one file in the room of its phase below filters/, with a FilterSpec; compile makes
// an instance from its part of the config and puts it into the chains of the routes it belongs to. Instances are
// immutable and shared by all workers: what they must remember of a request is kept in the exchange.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json/json.h"
#include "base/json/problem.h"
#include "base/json/schema.h"
#include "io/task.h"

namespace weir::pipeline {

struct Exchange;
class MakeContext;

// The order filters run in, whatever the order of `plugin_chain`; within a phase that order holds.
enum class Phase : std::uint8_t { pre_auth, auth, routing, transformation, execution, post_execution };

std::string_view text(Phase phase) noexcept;

// What on_request says.
struct Verdict {
  enum class Kind : std::uint8_t {
    next,    // go on
    answer,  // exchange.response and .answer are the response: nothing further on the way in, not the upstream
    refuse,  // error becomes the response
    wait,    // ask wait(): only there is a coroutine made, for the requests that really wait
    turn,    // exchange.chain is another now: go on with its on_request, from the first on (overlay.h)
  };
  Kind kind = Kind::next;
  Error error;

  static Verdict next() noexcept { return {}; }
  static Verdict answer() noexcept { return {Kind::answer, {}}; }
  static Verdict wait() noexcept { return {Kind::wait, {}}; }
  static Verdict turn() noexcept { return {Kind::turn, {}}; }
  static Verdict refuse(Reason reason, std::string_view detail = {}) noexcept {
    return {Kind::refuse, {reason, detail}};
  }
};

// Which hooks an instance has, so that chains hold no empty calls.
struct Hooks {
  bool request = false;
  bool response = false;
  bool finish = false;
};

class Filter {
 public:
  virtual ~Filter() = default;
  virtual Hooks hooks() const noexcept = 0;

  // The captures (`${path.NAME}`) its templates name: compile refuses one that the route's pattern does not have.
  // Views into the instance.
  virtual std::vector<std::string_view> captures_used() const { return {}; }
  // Its on_request never says `next`: a route with it needs no upstream_url.
  virtual bool always_answers() const noexcept { return false; }
  // It answers CORS preflights: an OPTIONS that the route's http_methods do not list is still this route's, if they
  // list the method it asks for (Access-Control-Request-Method).
  virtual bool answers_preflights() const noexcept { return false; }

  // On the way in. Must not wait; says `wait` if it has to.
  virtual Verdict on_request(Exchange&) const { return Verdict::next(); }
  // The rest of on_request, after it said `wait`. Bounds its waiting itself. Must not say `wait` again.
  virtual io::Task<Verdict> wait(Exchange& exchange) const;
  // exchange.response is about to be sent: the upstream's, an answer or an error. In the reverse order of on_request.
  virtual void on_response(Exchange&) const {}
  // The exchange is over and everything about it is known. Exactly once, also for requests that matched nothing.
  virtual void on_finish(Exchange&) const {}
};

// A filter that makes the response and may wait for it: the last on the way in.
class Execution : public Filter {
 public:
  // Sends the response through begin_response() (respond.h) and exchange.writer. An error before the response has
  // begun becomes an error response; after that the connection is reset.
  virtual io::Task<Result<void>> execute(Exchange& exchange) const = 0;
};

// A filter's config went through `schema` before make() sees it, defaults filled in. What a schema cannot say (a
// template that does not parse, an address block) make() reports itself, with paths relative to the config
// ("add[0].value").
struct FilterSpec {
  std::string_view name;  // in the file, the log, the metrics, the docs
  Phase phase;
  std::string_view summary;  // one sentence, for `weir schema` and the docs
  const Schema& (*schema)();
  std::expected<std::unique_ptr<Filter>, Problems> (*make)(const Json& config, MakeContext& context);
  // Within its phase, before the order of `plugin_chain`: for filters whose place is not the user's to choose.
  int rank = 0;
};

// All filters there are, handed from main to whoever needs it (filters/table.h makes it).
using FilterTable = std::span<const FilterSpec>;

}  // namespace weir::pipeline
