#include "app/explain/route_match.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/explain/rehearsal.h"
#include "base/error.h"
#include "gateway/admission.h"
#include "http/message/forwarding.h"
#include "http/message/uri.h"

namespace weir::explain {
namespace {

using snapshot::Match;

bool holds_encoded_slash(std::string_view path) { return path.contains("%2F") || path.contains("%5C"); }

class Report {
 public:
  Report(const RouteBook& book, const AskedRequest& asked) : book_(book), asked_(asked) {}

  MatchReport run() {
    if (const auto wrong = canonicalize()) {
      refuse(wrong->reason, wrong->detail);
      return std::move(out_);
    }
    read_request();
    snapshot::Lookup lookup{host_, target_.path, asked_.method, target_.query, request_.fields};
    const Match match = gateway::find_route(*book_.snapshot, lookup);
    // What a preflight is compared by, if that is how its route was found.
    if (match.outcome == Match::Outcome::found &&
        book_.snapshot->router.match(lookup).outcome != Match::Outcome::found) {
      lookup.method = request_.fields.value(http::FieldName::access_control_request_method);
      preflight_ = true;
    }
    const bool slash = holds_encoded_slash(target_.path);
    if (match.outcome == Match::Outcome::found && (!slash || route(match).allow_encoded_slash)) {
      describe_found(match);
    } else if (slash) {
      refuse(Reason::bad_path, "%2F or %5C, and no route with allow_encoded_slash takes the path");
    } else if (match.outcome == Match::Outcome::wrong_method) {
      const std::string allow = book_.snapshot->router.allow(match.allowed);
      refuse(Reason::method_not_allowed, fmt::format("Allow: {}", allow));
      out_.json.set("allow", allow);
    } else {
      refuse(Reason::no_route, "");
      suggest_hosts(lookup);
    }
    describe_others(lookup);
    return std::move(out_);
  }

 private:
  const pipeline::Route& route(const Match& match) const {
    return book_.snapshot->routes[static_cast<std::size_t>(match.route)];
  }

  std::optional<Error> canonicalize() {
    const auto target =
        http::canonicalize(asked_.target, {.allow_encoded_slash = book_.snapshot->encoded_slash}, path_scratch_);
    if (!target) return target.error();
    target_ = *target;
    const std::string_view authority = target_.authority.empty() ? std::string_view(asked_.host) : target_.authority;
    const auto host = http::parse_authority(authority, host_scratch_);
    if (!host) return host.error();
    host_ = host->host;
    return std::nullopt;
  }

  // As the gateway has it when it looks for the route.
  void read_request() {
    request_.method = http::method_of(asked_.method);
    request_.method_text = asked_.method;
    request_.target = asked_.target;
    request_.host = asked_.host;
    for (const auto& [name, value] : asked_.fields) request_.fields.append(name, value);
    http::strip_request(request_);
  }

  void line(std::string_view label, std::string_view text) { out_.text += fmt::format("  {:<10} {}\n", label, text); }

  std::string request_text() const {
    std::string out = fmt::format("{} {}", asked_.method, asked_.target);
    if (target_.authority.empty() && !asked_.host.empty()) out += fmt::format(" (Host {})", asked_.host);
    return out;
  }

  void refuse(Reason reason, std::string_view detail) {
    const ReasonInfo& why = info(reason);
    out_.text = fmt::format("{} -> {} {}: {}{}{}\n", request_text(), why.status, why.word, why.title,
                            detail.empty() ? "" : " ", detail);
    out_.json.set("outcome", why.word).set("status", why.status);
    if (!detail.empty()) out_.json.set("detail", detail);
  }

  void describe_found(const Match& match) {
    const auto index = static_cast<std::size_t>(match.route);
    const pipeline::Route& taken = route(match);
    const snapshot::RouteKey& key = book_.keys[index];
    out_.found = true;
    out_.text = fmt::format("{} -> route {}\n", request_text(), taken.id);
    line("path", target_.path);
    line("pattern", fmt::format("{} on {}", key.path_pattern, join(key.hosts, ", ", "every host")));
    if (!key.predicates.empty()) line("because", predicates_text(key));
    if (preflight_)
      line("because", fmt::format("a CORS preflight is taken by the route of the method it asks for, {}",
                                  request_.fields.value(http::FieldName::access_control_request_method)));
    Json captures = Json::object();
    std::vector<std::string> captured;
    for (const snapshot::Capture& one : match.captured()) {
      captures.set(one.name, one.value);
      captured.push_back(fmt::format("{} = {}", one.name, one.value));
    }
    if (!captured.empty()) line("captures", join(captured, ", ", ""));
    const snapshot::ChainLinks links = links_for(book_, index, asked_.consumer);
    line("filters", links_text(links));
    if (!asked_.consumer.empty() && book_.snapshot->consumers->by_name(asked_.consumer) == nullptr)
      line("", fmt::format("the config has no consumer \"{}\"", asked_.consumer));
    out_.json = Json::object()
                    .set("outcome", "found")
                    .set("path", target_.path)
                    .set("route", to_json(book_, index, asked_.consumer))
                    .set("captures", std::move(captures));
    if (preflight_) out_.json.set("preflight", true);
    describe_onward(taken, rehearse(book_, {request_, target_, host_, match, links, asked_.consumer}));
  }

  void describe_onward(const pipeline::Route& taken, const Rehearsed& onward) {
    if (!onward.ended_by.empty()) {
      describe_end(onward);
    } else if (!taken.proxied) {
      line("answer", "by one of its filters; no upstream is asked");
    } else {
      describe_upstream(taken, onward);
    }
    if (!onward.stand_ins.empty())
      line("", fmt::format("{} stand{} for what only a real request has", fmt::join(onward.stand_ins, ", "),
                           onward.stand_ins.size() == 1 ? "s" : ""));
  }

  // A filter answers or refuses: no upstream is asked.
  void describe_end(const Rehearsed& onward) {
    const bool refused = !onward.reason.empty();
    line(refused ? "refused" : "answer",
         fmt::format("{} by {}{}{}{}{}; no upstream is asked", onward.status, onward.ended_by, refused ? ": " : "",
                     onward.reason, onward.detail.empty() ? "" : ", ", onward.detail));
    if (!onward.location.empty()) line("location", onward.location);
    Json answer = Json::object().set("filter", onward.ended_by).set("status", onward.status);
    if (refused) answer.set("reason", onward.reason);
    if (!onward.location.empty()) answer.set("location", onward.location);
    out_.json.set("answer", std::move(answer));
  }

  void describe_upstream(const pipeline::Route& taken, const Rehearsed& onward) {
    const std::string url = url_text(book_, taken.stable, onward.target);
    line("upstream", describe_target(taken.stable, url));
    out_.json.set("upstream_url", url);
    if (canary_percent(taken) > 0) {
      const std::string canary = url_text(book_, taken.canary, onward.target);
      line("canary",
           fmt::format("{:.6g} % of the clients: {}", canary_percent(taken), describe_target(taken.canary, canary)));
      out_.json.set("canary_upstream_url", canary);
    }
    if (!onward.host.empty()) {
      line("", fmt::format("with Host {}", onward.host));
      out_.json.set("upstream_host", onward.host);
    } else if (taken.preserve_host) {
      line("", "with the client's Host");
    }
    const std::string plain = fmt::format("{}{}{}", target_.path, target_.has_query ? "?" : "", target_.query);
    if (onward.target != plain) line("", fmt::format("after rewrite; before it {}", plain));
  }

  std::string describe_target(const pipeline::Destination& destination, const std::string& url) const {
    std::vector<std::string> targets;
    for (const pipeline::TargetSpec& target : book_.snapshot->upstreams[destination.upstream].targets) {
      targets.push_back(target.address);
    }
    return fmt::format("{} at {}", url, join(targets, ", ", ""));
  }

  // Routes that fit host and path but stand behind, or fit but for method or predicates.
  void describe_others(const snapshot::Lookup& lookup) {
    Json others = Json::array();
    for (const snapshot::Candidate& candidate : book_.snapshot->router.explain(lookup, book_.keys)) {
      if (candidate.why_not.empty()) continue;
      const snapshot::RouteKey& key = book_.keys[static_cast<std::size_t>(candidate.route)];
      line("not", fmt::format("{} ({}): {}", key.id, key.path_pattern, candidate.why_not));
      others.push(Json::object().set("route_id", key.id).set("why_not", candidate.why_not));
    }
    out_.json.set("passed_over", std::move(others));
  }

  // The commonest reason for a 404 on the command line: the Host was not said.
  void suggest_hosts(snapshot::Lookup lookup) {
    for (const snapshot::RouteKey& key : book_.keys) {
      if (key.hosts.empty()) continue;
      std::string host = key.hosts.front();
      if (host.starts_with('*')) host.replace(0, 1, "any");
      lookup.host = host;
      const Match match = book_.snapshot->router.match(lookup);
      if (match.outcome != Match::Outcome::found || route(match).id != key.id) continue;
      line("not", fmt::format("{} ({}): only on {}; try --host {}", key.id, key.path_pattern,
                              join(key.hosts, ", ", ""), host));
    }
  }

  const RouteBook& book_;
  const AskedRequest& asked_;
  http::CanonicalTarget target_;
  std::string_view host_;
  std::string path_scratch_;
  std::string host_scratch_;
  http::RequestHead request_;
  bool preflight_ = false;
  MatchReport out_{.found = false, .text = "", .json = Json::object()};
};

}  // namespace

std::expected<AskedRequest, std::string> parse_asked(std::string_view match, std::string_view host,
                                                     const std::vector<std::string>& headers) {
  AskedRequest out;
  const std::size_t space = match.find(' ');
  out.method = space == std::string_view::npos ? "GET" : match.substr(0, space);
  out.target = space == std::string_view::npos ? match : match.substr(space + 1);
  out.host = host;
  if (out.target.empty() || out.target.contains(' ')) {
    return std::unexpected("expected --match 'METHOD TARGET', such as 'GET /users/7'");
  }
  for (const std::string_view header : headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return std::unexpected(fmt::format("expected -H 'NAME: VALUE', found \"{}\"", header));
    }
    std::string_view value = header.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    const std::string_view name = header.substr(0, colon);
    if (http::equal_ignoring_case(name, "host") && host.empty()) out.host = value;
    out.fields.emplace_back(name, value);
  }
  return out;
}

MatchReport report_match(const RouteBook& book, const AskedRequest& asked) { return Report(book, asked).run(); }

}  // namespace weir::explain
