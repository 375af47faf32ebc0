#include "snapshot/compile/routes.h"

#include <fmt/format.h>

#include <cmath>

#include "base/rate.h"
#include "snapshot/compile/chains.h"
#include "snapshot/compile/key_sources.h"
#include "snapshot/compile/limit_book.h"
#include "snapshot/compile/upstreams.h"
#include "snapshot/document.h"

namespace weir::snapshot {
namespace {

// A percentage as a part of 2^64, which the hash of a caller is compared with.
std::uint64_t share(double percent) {
  const double part = std::ldexp(percent / 100, 64);
  return part >= std::ldexp(1.0, 64) ? ~std::uint64_t{0} : static_cast<std::uint64_t>(part);
}

bool holds_encoded_slash(std::string_view path) { return path.contains("%2F") || path.contains("%5C"); }

void add_predicates(const Fields& route, std::string_view field, Predicate::Source source, RoutePlan& out) {
  for (const Json::Member& member : route.members(field)) {
    Predicate predicate;
    predicate.source = source;
    predicate.name = member.name;
    const Json& value = member.value;
    if (value.is_string()) {
      predicate.test = Predicate::Test::exact;
      predicate.value = value.as_string();
    } else if (const Json* prefix = value.find("prefix")) {
      predicate.test = Predicate::Test::prefix;
      predicate.value = prefix->as_string();
    }
    out.key.predicates.push_back(std::move(predicate));
    out.predicate_paths.push_back(member_path(field, member.name));
  }
}

// What filters ask of the config around them.
class FilterContext final : public OwnedContext {
 public:
  FilterContext(CompileContext& context, UpstreamBook& upstreams)
      : context_(context), upstreams_(upstreams), limits_(context), key_sources_(context) {}

  std::expected<pipeline::Endpoint, std::string> endpoint(std::string_view url) override {
    return upstreams_.endpoint(url);
  }

  std::expected<std::string, std::string> file(std::string_view path) override { return context_.read_file(path); }

  std::expected<std::string, std::string> secret(std::string_view name) override {
    return context_.named_secret(name);
  }

  bool client_certificates() const override {
    return std::ranges::any_of(context_.document.objects("listeners"), [](const Fields& listener) {
      return listener.has("tls") && listener.object("tls").has("client_ca_file");
    });
  }

  const identity::ConsumerBook* consumers() override { return context_.out.consumers.get(); }

  std::expected<std::uint32_t, std::string> limit(std::string_view name, std::string_view settings, bool shared,
                                                  bool kept) override {
    return limits_.limit(name, settings, shared, kept);
  }

  std::expected<std::uint64_t, std::string> key_source(pipeline::KeySourceSpec spec) override {
    return key_sources_.add(std::move(spec));
  }

  void warn(std::string sentence) override { context_.out.warnings.push_back(std::move(sentence)); }

 private:
  CompileContext& context_;
  UpstreamBook& upstreams_;
  LimitBook limits_;
  KeySourceBook key_sources_;
};

class RouteCompile {
 public:
  explicit RouteCompile(CompileContext& context)
      : context_(context),
        upstreams_(context),
        filter_context_(context, upstreams_),
        chains_(context, filter_context_) {}

  void run() {
    ChainMaker::Made global = chains_.global();
    context_.out.global_chain = global.chain;
    context_.out.global_links = std::move(global.links);
    const std::vector<Fields> routes = context_.document.objects("routes");
    for (const Fields& route : routes) add(route);
    build_router();
    upstreams_.note_unused();
  }

 private:
  void add(const Fields& fields) {
    pipeline::Route out;
    out.id = fields.string("route_id");
    out.index = static_cast<std::uint32_t>(context_.out.routes.size());
    out.path_pattern = fields.string("path_pattern");
    out.timeout = fields.duration("timeout");
    out.auth_required = fields.boolean("auth_required");
    set_rate(fields, out);
    out.preserve_host = fields.boolean("preserve_host");
    out.allow_encoded_slash = fields.boolean("allow_encoded_slash");
    context_.out.encoded_slash = context_.out.encoded_slash || out.allow_encoded_slash;
    out.proxied = fields.has("upstream_url");
    check_id(fields, out.id);
    check_not_built(fields);
    if (holds_encoded_slash(out.path_pattern) && !out.allow_encoded_slash) {
      context_.report(fields.problem("path_pattern", "%2F and %5C are refused in paths, so this can never match",
                                     "set allow_encoded_slash: true, if the upstream keeps them apart from slashes"));
    }
    if (out.proxied) {
      if (const auto found = upstreams_.destination(fields, "upstream_url")) out.stable = *found;
    }
    set_canary(fields, out);
    set_chain(fields, out);
    plans_.push_back(plan_route(fields));
    context_.out.routes.push_back(std::move(out));
  }

  void check_id(const Fields& fields, const std::string& id) {
    const auto [at, fresh] = lines_.try_emplace(id, fields.json().position.line);
    if (fresh) return;
    context_.report(fields.problem(
        "route_id", fmt::format("the id \"{}\" is already that of the route at line {}", id, at->second)));
  }

  void set_rate(const Fields& fields, pipeline::Route& out) {
    const double rps = fields.number("rate_limit_rps");
    if (rps == 0) return;
    out.rate_bucket = per_second(rps);
    if (out.rate_bucket) return;
    context_.report(fields.problem("rate_limit_rps", fmt::format("{} a second is more than Weir can count", rps),
                                   fmt::format("at most {}", Gcra::kMostRequests)));
  }

  // The names are in the file's format from the start; what they promise comes with the issues that build it.
  void check_not_built(const Fields& fields) {
    for (const std::string_view predicates : {"headers", "query"}) {
      for (const Json::Member& member : fields.members(predicates)) {
        const Json* present = member.value.find("present");
        if (member.value.is_object() && member.value.members().size() != 1) {
          context_.report({member.value.position, member_path(fields.path(predicates), member.name),
                           "expected either present or prefix", "for both, prefix is enough"});
        }
        if (present == nullptr || present->as_boolean()) continue;
        context_.report({present->position, member_path(fields.path(predicates), member.name),
                         "present: false is not built yet",
                         "a route without the predicate takes what the one with present: true leaves"});
      }
    }
  }

  void set_canary(const Fields& fields, pipeline::Route& out) {
    const bool weight = fields.has("canary_weight");
    const bool url = fields.has("canary_upstream_url");
    if (weight != url) {
      return context_.report(weight
                                 ? fields.problem("canary_weight", "needs canary_upstream_url: where would they go?")
                                 : fields.problem("canary_upstream_url", "needs canary_weight",
                                                  "such as canary_weight: 10, for ten percent of the callers"));
    }
    if (!url) return;
    if (!out.proxied) {
      return context_.report(fields.problem("canary_upstream_url", "needs upstream_url, for the other callers"));
    }
    if (const auto found = upstreams_.destination(fields, "canary_upstream_url")) out.canary = *found;
    const double percent = fields.number("canary_weight");
    out.canary_below = share(percent);
    out.canary_all = percent >= 100;
  }

  void set_chain(const Fields& fields, pipeline::Route& out) {
    const auto pattern = parse_path_pattern(out.path_pattern);  // its problem is the router's to report
    const std::size_t problems_before = context_.problems.size();
    ChainMaker::Made made = chains_.route(fields, out, pattern ? pattern->captures : std::vector<PatternCapture>{});
    out.chain = made.chain;
    context_.out.route_links.push_back(std::move(made.links));
    if (made.turn != nullptr) context_.out.turns.push_back(made.turn);
    if (context_.problems.size() != problems_before) return;
    if (out.proxied && !made.answers.empty()) {
      context_.report(fields.problem("upstream_url",
                                     fmt::format("is never asked: the filter \"{}\" always answers", made.answers),
                                     "keep one of the two"));
    } else if (!out.proxied && made.answers.empty()) {
      context_.report({fields.json().position, fields.path(), fmt::format("nothing answers the route \"{}\"", out.id),
                       "give it an upstream_url, or a filter that answers: respond or redirect"});
    }
  }

  void build_router() {
    std::vector<RouteKey> keys;
    for (const RoutePlan& plan : plans_) keys.push_back(plan.key);
    auto router = Router::build(keys);
    if (router) {
      context_.out.router = std::move(*router);
      return;
    }
    for (Problem& problem : router.error()) {
      place(problem);
      context_.report(std::move(problem));
    }
  }

  // The router knows routes by number and predicates by number within the route; people know them by line and name.
  void place(Problem& problem) const {
    std::size_t index = 0;
    constexpr std::string_view kPredicates = ".predicates[";
    const std::size_t at = problem.path.find(kPredicates);
    if (at != std::string::npos && problem.path.starts_with("routes[")) {
      const auto number = [&](std::size_t from) {
        std::size_t out = 0;
        std::from_chars(problem.path.data() + from, problem.path.data() + problem.path.size(), out);
        return out;
      };
      index = number(std::string_view("routes[").size());
      const std::string& below = plans_[index].predicate_paths[number(at + kPredicates.size())];
      problem.path = join_path(problem.path.substr(0, at), below);
    }
    problem.position = position_at(context_.document.json(), problem.path);
    problem.message = with_lines(problem.message, problem.position.line);
  }

  // `routes "a" and "b" ...` becomes `routes "a" (line 3) and "b" ...`, if the problem is at b.
  std::string with_lines(std::string_view message, int own_line) const {
    std::string out;
    while (true) {
      const std::size_t open = message.find('"');
      const std::size_t close = open == std::string_view::npos ? open : message.find('"', open + 1);
      if (close == std::string_view::npos) return out + std::string(message);
      out += message.substr(0, close + 1);
      const auto known = lines_.find(std::string(message.substr(open + 1, close - open - 1)));
      if (known != lines_.end() && known->second > 0 && known->second != own_line) {
        out += fmt::format(" (line {})", known->second);
      }
      message.remove_prefix(close + 1);
    }
  }

  CompileContext& context_;
  UpstreamBook upstreams_;
  FilterContext filter_context_;
  ChainMaker chains_;
  std::vector<RoutePlan> plans_;
  std::unordered_map<std::string, int> lines_;  // of each route id
};

}  // namespace

RoutePlan plan_route(const Fields& route) {
  RoutePlan out;
  out.key.id = route.string("route_id");
  out.key.hosts = route.strings("hosts");
  out.key.path_pattern = route.string("path_pattern");
  out.key.methods = route.strings("http_methods");
  out.key.priority = static_cast<int>(route.integer("priority"));
  add_predicates(route, "headers", Predicate::Source::header, out);
  add_predicates(route, "query", Predicate::Source::query, out);
  return out;
}

void compile_routes(CompileContext& context) { RouteCompile(context).run(); }

}  // namespace weir::snapshot
