// compile's part for filters: makes their instances and puts them into chains in the order they run. Equal filters
// with equal config are one instance, so that 2,000 routes with cors hold one. Lives for one compile.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "pipeline/make_context.h"
#include "pipeline/overlay.h"
#include "snapshot/compile/context.h"
#include "snapshot/router/path_pattern.h"

namespace weir::snapshot {

// What filters ask of the config around them, but for who owns them: that the chain maker knows.
class OwnedContext : public pipeline::MakeContext {
 public:
  Owner owner() final {
    asked_ = true;
    return owner_;
  }

  void begin(Owner owner) {
    owner_ = owner;
    asked_ = false;
  }
  // Whether the filter made since begin() goes by its owner.
  bool asked() const noexcept { return asked_; }

 private:
  Owner owner_;
  bool asked_ = false;
};

class ChainMaker {
 public:
  // Reads the plugin_chain of the document, of its upstreams, groups and consumers, and fills out.overlays. `context`
  // and `filter_context` must outlive the maker.
  ChainMaker(CompileContext& context, OwnedContext& filter_context);

  struct Made {
    pipeline::Chain chain;
    ChainLinks links;
    std::string_view answers;                     // the filter that always answers, if any: no upstream is ever asked
    const pipeline::OverlayTurn* turn = nullptr;  // only if the config has overlays
  };

  // For requests that no route took.
  Made global();
  // Of one route: the global filters, those of its upstream, its own, of each name the last; and those its columns
  // ask for (`auth_required`, `rate_limit_rps`). Problems are reported.
  Made route(const Fields& route, const pipeline::Route& made, const std::vector<PatternCapture>& captures);

 private:
  using Origin = pipeline::Origin;

  // In the chain of every route with an upstream_url, named or not.
  static constexpr std::string_view kProxy = "proxy";
  // In the chain of every route with auth_required: true, or with a rate_limit_rps.
  static constexpr std::string_view kRequireIdentity = "require_identity";
  static constexpr std::string_view kRateLimit = "rate_limit";

  // In every chain, named or not: a request without an id or a record cannot be accounted for.
  static bool is_always(std::string_view name) { return name == "request_id" || name == "access_log"; }
  // A caller's own chain cannot change it, because it is the route's to say.
  static bool is_of_routes(std::string_view name) { return name == kRequireIdentity || name == kProxy; }
  static bool is_of_caller(Origin origin) { return origin == Origin::group || origin == Origin::consumer; }
  // In the chain of some route, or asked for by one.
  static bool is_of_route(Origin origin) { return origin == Origin::route || origin == Origin::built_in; }
  static const Json& empty_config();

  struct Entry {
    const pipeline::FilterSpec* spec = nullptr;
    const Json* config = nullptr;  // nullptr: none written
    Origin origin = Origin::built_in;
    std::string_view owner;  // the name of the upstream, group or consumer
    bool disabled = false;
    std::size_t order = 0;  // among those of its chain, before the phases sort them
    Position position;
    std::string path;         // of the entry
    std::string config_path;  // of its config, or of the entry
  };
  using Entries = std::vector<Entry>;

  // ---- scopes.cc
  // The plugin_chain of `owner`, which stands at `path`.
  Entries read(const Json& owner, const std::string& path, Origin origin, std::string_view name);
  void check_entry(const Entry& entry);
  void check_of_caller(const Entry& entry);

  void read_upstreams();
  void read_overlays();
  void add_overlay(pipeline::Overlays::ByName& to, const Json& owner, const std::string& path, Origin origin,
                   std::string_view name);

  // ---- chains.cc
  // Of each name the one of the last layer, in the order they run; disabled ones still among them.
  static Entries merge(std::initializer_list<const Entries*> layers);
  // Less those disabled; with what stands in every chain or is asked for by a column.
  Entries complete(Entries entries, std::initializer_list<std::string_view> asked_for) const;
  static void sort(Entries& entries);

  const pipeline::Filter* instance(const Entry& entry);
  pipeline::Step step(const Entry& entry, const pipeline::Filter& filter) const;
  // `captures` are the route's; nullptr: of a chain that is no route's, which has none.
  void check_captures(const Entry& entry, const pipeline::Filter& filter,
                      const std::vector<PatternCapture>* captures);
  void check_columns(const Fields& route, const pipeline::Route& made, const Entries& layered,
                     const Entries& entries);
  std::string auth_filters() const;
  Made assemble(const Entries& entries, const std::vector<PatternCapture>* captures);
  void add_turn(const std::vector<pipeline::Step>& steps, Made& made);
  void set_lists(const std::vector<pipeline::Step>& steps, Made& made);

  CompileContext& context_;
  OwnedContext& filter_context_;
  Entries global_;
  std::map<std::string, Entries, std::less<>> upstreams_;               // by name; only those that have some
  std::unordered_map<std::string, const pipeline::Filter*> instances_;  // by name and config, and by owner
  // Routes with equal chains share one.
  std::map<std::vector<std::pair<const pipeline::Filter*, Origin>>, const pipeline::OverlayTurn*> turns_;
};

}  // namespace weir::snapshot
