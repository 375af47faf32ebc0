#include "control/checks/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "control/objects.h"

namespace weir::control {
namespace {

// Beyond these a rule is counted, not listed: 2,000 routes without a timeout are one thing to think about.
constexpr std::size_t kMostOfARule = 100;

constexpr std::array<LintRule, 6> kRules = {{
    {"no_auth", Severity::warn, "A route that asks nobody who they are."},
    {"no_limit", Severity::warn, "A route without any limit of rate, quota or concurrency."},
    {"no_timeout", Severity::warn, "A route whose requests may last for ever."},
    {"plaintext_upstream", Severity::warn, "An upstream on the public network that is spoken to without TLS."},
    {"unused_upstream", Severity::warn, "An upstream that no route names."},
    {"remark", Severity::warn, "What compile remarks, such as a certificate about to expire."},
}};

class Lint {
 public:
  Lint(const Json& document, const snapshot::Snapshot& snapshot, const LintSettings& settings)
      : document_(document), snapshot_(snapshot), settings_(settings) {
    if (const Json* upstreams = document.find("upstreams"))
      for (const Json& body : upstreams->items()) upstreams_[name_of(Kind::upstream, body)] = &body;
  }

  Findings run() {
    for (const pipeline::Route& route : snapshot_.routes) look_at(route);
    for (std::size_t i = 0; i < snapshot_.upstreams.size(); ++i) look_at_upstream(i);
    for (const std::string& warning : snapshot_.warnings) pass_on(warning);
    for (std::size_t i = 0; i < kRules.size(); ++i) {
      if (counts_[i] <= kMostOfARule) continue;
      out_.push_back({.severity = severity(i),
                      .rule = std::string(kRules[i].name),
                      .message = fmt::format("and {} more of this rule", counts_[i] - kMostOfARule)});
    }
    return std::move(out_);
  }

 private:
  Severity severity(std::size_t rule) const {
    const auto at = settings_.find(kRules[rule].name);
    return at == settings_.end() ? kRules[rule].severity : at->second;
  }

  void report(std::string_view rule, Finding finding, const Json* body) {
    const auto index = static_cast<std::size_t>(std::ranges::find(kRules, rule, &LintRule::name) - kRules.begin());
    finding.severity = severity(index);
    if (finding.severity == Severity::ignore) return;
    if (body != nullptr && has_tag(*body, "lint-ignore:" + std::string(rule))) return;
    finding.rule = rule;
    if (++counts_[index] <= kMostOfARule) out_.push_back(std::move(finding));
  }

  const Json* body_of(std::string_view list, std::size_t index) const {
    const Json* items = document_.find(list);
    return items == nullptr || index >= items->items().size() ? nullptr : &items->items()[index];
  }

  bool has_filter(const pipeline::Route& route, std::initializer_list<std::string_view> names) const {
    return std::ranges::any_of(snapshot_.route_links[route.index], [&](const snapshot::ChainLink& link) {
      return std::ranges::find(names, link.filter) != names.end();
    });
  }

  // Routes that answer by themselves (redirect, respond) have nothing to guard.
  void look_at(const pipeline::Route& route) {
    if (!route.proxied) return;
    const Json* body = body_of("routes", route.index);
    const auto finding = [&](std::string field, std::string message, std::string hint) {
      return Finding{.kind = Kind::route,
                     .name = route.id,
                     .field = std::move(field),
                     .message = std::move(message),
                     .hint = std::move(hint)};
    };
    if (!route.auth_required)
      report("no_auth",
             finding("auth_required", "asks nobody who they are",
                     "auth_required: true and a filter such as api_key or jwt; or the tag lint-ignore:no_auth, if it "
                     "is for everybody"),
             body);
    if (!route.rate_bucket && !has_filter(route, {"rate_limit", "quota", "concurrency_limit"}))
      report("no_limit", finding("rate_limit_rps", "has no limit: one caller can take it all", "rate_limit_rps: 100"),
             body);
    if (route.timeout.count() == 0)
      report("no_timeout",
             finding("timeout", "has no timeout: a request may last for ever",
                     "timeout: 30s; or the tag lint-ignore:no_timeout for downloads and event streams"),
             body);
  }

  static bool is_inside(const pipeline::TargetSpec& target) {
    if (target.host.empty()) return target.socket.is_unix() || is_private(target.socket.ip());
    // RFC 6761, RFC 6762, RFC 8375, and ICANN's .internal; a name without a dot is the network's own.
    if (!target.host.contains('.')) return true;
    for (const std::string_view inside : {".internal", ".local", ".localhost", ".lan", ".home.arpa", ".test", ".svc"})
      if (target.host.ends_with(inside)) return true;
    return false;
  }

  void look_at_upstream(std::size_t index) {
    const pipeline::UpstreamSpec& upstream = snapshot_.upstreams[index];
    if (upstream.tls != nullptr) return;
    const auto outside = std::ranges::find_if_not(upstream.targets, is_inside);
    if (outside == upstream.targets.end()) return;
    const std::string message =
        fmt::format("{} is spoken to in clear, over a network that is not yours", outside->address);
    // Those that are none are written in routes.
    if (const auto at = upstreams_.find(upstream.name); at != upstreams_.end())
      return report("plaintext_upstream",
                    {.kind = Kind::upstream,
                     .name = upstream.name,
                     .field = "tls",
                     .message = message,
                     .hint = "tls: {}, and https:// in the routes"},
                    at->second);
    for (const pipeline::Route& route : snapshot_.routes) {
      const bool stable = route.proxied && route.stable.upstream == index;
      const bool canary = route.canary_below != 0 && route.canary.upstream == index;
      if (!stable && !canary) continue;
      report("plaintext_upstream",
             {.kind = Kind::route,
              .name = route.id,
              .field = stable ? "upstream_url" : "canary_upstream_url",
              .message = message,
              .hint = "https://"},
             body_of("routes", route.index));
    }
  }

  void pass_on(std::string_view warning) {
    // Of the instance part: said where that is read.
    if (warning.starts_with("control.")) return;
    // A document has no lines that anybody knows.
    if (warning.starts_with("line "))
      if (const std::size_t colon = warning.find(": "); colon != std::string_view::npos)
        warning.remove_prefix(colon + 2);
    constexpr std::string_view kUnused = "no route uses the upstream \"";
    if (!warning.starts_with(kUnused)) return report("remark", {.message = std::string(warning)}, nullptr);
    warning.remove_prefix(kUnused.size());
    const std::string_view name = warning.substr(0, warning.find('"'));
    const auto at = upstreams_.find(name);
    report("unused_upstream",
           {.kind = Kind::upstream,
            .name = std::string(name),
            .message = "no route uses it",
            .hint = "remove it, or name it in an upstream_url"},
           at == upstreams_.end() ? nullptr : at->second);
  }

  const Json& document_;
  const snapshot::Snapshot& snapshot_;
  const LintSettings& settings_;
  std::map<std::string_view, const Json*> upstreams_;
  Findings out_;
  std::array<std::size_t, kRules.size()> counts_{};
};

}  // namespace

std::span<const LintRule> lint_rules() noexcept { return kRules; }

Findings lint(const Json& document, const snapshot::Snapshot& snapshot, const LintSettings& settings) {
  return Lint(document, snapshot, settings).run();
}

}  // namespace weir::control
