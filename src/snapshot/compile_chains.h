// compile's part for filters: makes their instances and puts them into chains in the order they run. Equal filters
// with equal config are one instance, so that 2,000 routes with cors hold one. Lives for one compile.
#pragma once

#include <string>
#include <unordered_map>

#include "pipeline/make_context.h"
#include "snapshot/compile_context.h"
#include "snapshot/path_pattern.h"

namespace weir::snapshot {

class ChainMaker {
 public:
  // Reads the document's plugin_chain. `context` and `filter_context` must outlive the maker.
  ChainMaker(CompileContext& context, pipeline::MakeContext& filter_context);

  struct Made {
    pipeline::Chain chain;
    ChainLinks links;
    std::string_view answers;  // the filter that always answers, if any: no upstream is ever asked
  };

  // For requests that no route took.
  Made global();
  // Of one route: the global filters, less those it disables or has itself, its own, and those its columns ask for
  // (`auth_required`, `rate_limit_rps`). Problems are reported.
  Made route(const Fields& route, const pipeline::Route& made, const std::vector<PatternCapture>& captures);

 private:
  struct Entry {
    const pipeline::FilterSpec* spec = nullptr;
    const Json* config = nullptr;  // nullptr: none written
    ChainLink::Origin origin = ChainLink::Origin::built_in;
    bool disabled = false;
    std::size_t order = 0;  // among those of its chain, before the phases sort them
    Position position;
    std::string path;         // of the entry
    std::string config_path;  // of its config, or of the entry
  };
  using Entries = std::vector<Entry>;

  Entries read(const Fields& owner, ChainLink::Origin origin);
  void check_entry(const Entry& entry);
  Entries merge(const Entries& own, std::initializer_list<std::string_view> asked_for = {}) const;
  const pipeline::Filter* instance(const Entry& entry);
  // `captures` are the route's; nullptr: of the global chain, which has none.
  void check_captures(const Entry& entry, const pipeline::Filter& filter,
                      const std::vector<PatternCapture>* captures);
  void check_columns(const Fields& route, const pipeline::Route& made, const Entries& own, const Entries& entries);
  std::string auth_filters() const;
  Made assemble(const Entries& entries, const std::vector<PatternCapture>* captures);

  CompileContext& context_;
  pipeline::MakeContext& filter_context_;
  Entries global_;
  std::unordered_map<std::string, const pipeline::Filter*> instances_;  // by name and config; nullptr: it was refused
};

}  // namespace weir::snapshot
