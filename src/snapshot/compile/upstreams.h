// compile's part for upstreams: the named ones, and those that routes write inline as http://host:port. Lives for one
// compile.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "pipeline/make_context.h"
#include "snapshot/compile/context.h"
#include "snapshot/compile/upstream_url.h"

namespace weir::snapshot {

class UpstreamBook {
 public:
  // Takes all named upstreams into context.out.upstreams, in their order. `context` must outlive the book.
  explicit UpstreamBook(CompileContext& context);

  // What a route's `field` (upstream_url or canary_upstream_url) means; inline upstreams are added, one per origin.
  // nullopt: a problem was reported.
  std::optional<pipeline::Destination> destination(const Fields& route, std::string_view field);

  // What a filter's `url` of an outside service means; the error is a sentence, and nothing is reported.
  std::expected<pipeline::Endpoint, std::string> endpoint(std::string_view url);

  // Reports the named upstreams that no route used, as warnings.
  void note_unused();

 private:
  using TlsContext = std::shared_ptr<const io::TlsClientContext>;
  struct Named {
    std::uint32_t index = 0;
    Position position;
    std::string host;  // what Host says, if not the name
    bool used = false;
  };

  void add_named(const Fields& fields);
  void add_targets(const Fields& fields, pipeline::UpstreamSpec& out);
  void add_tls(const Fields& tls, pipeline::UpstreamSpec& out);
  std::optional<pipeline::Destination> named(const Fields& route, std::string_view field, const UpstreamUrl& url);
  std::optional<pipeline::Destination> inlined(const Fields& route, std::string_view field, const UpstreamUrl& url);
  void report_unknown(const Fields& route, std::string_view field, const std::string& name);

  CompileContext& context_;
  std::unordered_map<std::string, Named> named_;
  std::unordered_map<std::string, std::uint32_t> inlined_;  // by origin, "http://127.0.0.1:9002"
  // By settings: a context with the system's authorities takes tens of milliseconds and a megabyte.
  std::unordered_map<std::string, TlsContext> tls_;
};

}  // namespace weir::snapshot
