// A scene with one outside service, which the test plays itself: for filters that ask somebody.
#pragma once

#include "pipeline/kept.h"
#include "tests/filters/made.h"
#include "tests/upstream/scripted_origin.h"
#include "upstream/upstream.h"

namespace weir::filters {

// Every endpoint is the one service; files are what the test says.
class OutsideContext final : public pipeline::MakeContext {
 public:
  std::expected<pipeline::Endpoint, std::string> endpoint(std::string_view url) override {
    if (!url.starts_with("http://idp.test")) return std::unexpected(std::string("no such service"));
    return pipeline::Endpoint{0, "idp.test", std::string(url.substr(15))};
  }
  std::expected<std::string, std::string> file(std::string_view path) override {
    if (path != "secret.txt") return std::unexpected(std::string("no such file"));
    return secret;
  }
  const identity::ConsumerBook* consumers() override { return book; }
  void warn(std::string sentence) override { warnings.push_back(std::move(sentence)); }

  std::string secret = "s3cret\n";
  const identity::ConsumerBook* book = nullptr;
  std::vector<std::string> warnings;
};

inline std::unique_ptr<pipeline::Filter> made_outside(const pipeline::FilterSpec& spec, std::string_view config,
                                                      OutsideContext& context, Problems* problems = nullptr) {
  const auto json = parse_json(config);
  Problems found = json ? check(*json, spec.schema()) : Problems{json.error()};
  if (found.empty()) {
    auto out = spec.make(*json, context);
    if (out) return std::move(*out);
    found = out.error();
  }
  if (problems == nullptr) ADD_FAILURE() << spec.name << ": " << describe(found[0], "config");
  if (problems != nullptr) *problems = found;
  return nullptr;
}

// One request and the service it makes Weir ask.
class Outside {
 public:
  Outside(upstream::ScriptedOrigin& service, pipeline::Kept& kept, std::string_view path = "/a",
          const char* query = nullptr)
      : service_(service), scene("GET", path, query), upstream_(scene.loop, service.spec()) {
    scene.lease.upstreams = {&upstream_};
    scene.lease.services.kept = &kept;
    scene.exchange.request.host = "shop.example.com:8080";
    scene.matched();
  }
  ~Outside() {
    service_.close_all();
    scene.loop.turn(io::Duration::zero());
  }

  // As gateway/run does: on_request, and wait if that says so.
  pipeline::Verdict pass(const pipeline::Filter& filter, const std::function<void()>& between = [] {}) {
    pipeline::Verdict verdict = filter.on_request(scene.exchange);
    waited = verdict.kind == pipeline::Verdict::Kind::wait;
    if (!waited) return verdict;
    io::TaskGroup group;
    group.spawn(keep(filter.wait(scene.exchange), verdict));
    for (int turn = 0; turn < 5'000 && group.running() != 0; ++turn) {
      service_.play();
      scene.loop.turn(std::chrono::milliseconds(1));
      between();
    }
    EXPECT_EQ(group.running(), 0u) << "the question does not end";
    return verdict;
  }
  const pipeline::Identity& identity() const { return scene.exchange.auth.identity; }
  std::string_view failure() const { return info(scene.exchange.auth.failure.reason).word; }
  std::string challenges() const {
    std::string out;
    for (const std::string_view one : scene.exchange.auth.challenges())
      out.append(out.empty() ? "" : " | ").append(one);
    return out;
  }

 private:
  static io::Task<void> keep(io::Task<pipeline::Verdict> task, pipeline::Verdict& out) {
    out = co_await std::move(task);
  }
  upstream::ScriptedOrigin& service_;

 public:
  Scene scene;
  bool waited = false;

 private:
  upstream::Upstream upstream_;
};

}  // namespace weir::filters
