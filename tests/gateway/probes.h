// Filters that do as a test tells them and note that they were asked, and snapshots made with them by compile. What
// they noted is in `asked()`: one thread's own.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json/fields.h"
#include "base/json/json.h"
#include "pipeline/exchange.h"
#include "pipeline/filter.h"
#include "pipeline/respond.h"
#include "ports/log_sink.h"
#include "snapshot/compile/compile.h"

namespace weir::gateway {

// "first in", "second out", "second finish", ... in the order they happened on this thread.
inline std::vector<std::string>& asked() {
  static thread_local std::vector<std::string> out;
  return out;
}

class Probe final : public pipeline::Filter {
 public:
  Probe(std::string name, std::string says) : name_(std::move(name)), says_(std::move(says)) {}
  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = true, .finish = true}; }
  bool always_answers() const noexcept override { return says_ == "wait for the body"; }
  bool answers_preflights() const noexcept override { return says_ == "preflight"; }

  pipeline::Verdict on_request(pipeline::Exchange& exchange) const override {
    asked().push_back(name_ + " in");
    if (says_ == "refuse") return pipeline::Verdict::refuse(Reason::ip_denied, "not you");
    if (says_ == "answer") return answer(exchange);
    if (says_.starts_with("it is "))
      exchange.auth.establish({.kind = pipeline::CredentialKind::api_key,
                               .consumer = std::string_view(says_).substr(6),
                               .custom_id = {},
                               .user = {},
                               .credential = {},
                               .groups = {},
                               .scopes = {}});
    if (says_.starts_with("wait")) return pipeline::Verdict::wait();
    return pipeline::Verdict::next();
  }
  io::Task<pipeline::Verdict> wait(pipeline::Exchange& exchange) const override {
    asked().push_back(name_ + " waits");
    if (says_ == "wait for the body") {
      if (!co_await exchange.body.fill(io::kNever)) co_return pipeline::Verdict::refuse(Reason::client_closed);
      (void)exchange.body.take();
      co_return answer(exchange);
    }
    if (says_ == "wait and refuse") co_return pipeline::Verdict::refuse(Reason::ip_denied);
    co_return pipeline::Verdict::next();
  }
  void on_response(pipeline::Exchange& exchange) const override {
    asked().push_back(name_ + " out");
    exchange.response.fields.append("X-Passed", name_);
  }
  void on_finish(pipeline::Exchange& exchange) const override {
    asked().push_back(name_ + " finish " + std::string(info(exchange.reason).word));
    if (exchange.lease.access_log != nullptr)
      exchange.lease.access_log->append(std::to_string(exchange.lease.revision) + " " + std::string(exchange.path));
  }

 private:
  pipeline::Verdict answer(pipeline::Exchange& exchange) const {
    exchange.response.status = 200;
    exchange.answer = name_;
    return pipeline::Verdict::answer();
  }
  std::string name_;
  std::string says_;
};

// In the place of the proxy: answers as the first segment of the path says.
class Executed final : public pipeline::Execution {
 public:
  pipeline::Hooks hooks() const noexcept override { return {}; }
  io::Task<Result<void>> execute(pipeline::Exchange& exchange) const override {
    asked().emplace_back("executed");
    if (exchange.path == "/refused") co_return fail(Reason::upstream_refused, "nobody there");
    if (exchange.path == "/gone") co_return fail(Reason::client_closed);
    if (exchange.path == "/too-large") co_return fail(Reason::body_too_large);
    exchange.response.status = 200;
    if (exchange.path == "/broken-off") {
      exchange.response.framing = http::Framing::length;
      exchange.response.content_length = 10;
      pipeline::begin_response(exchange);
      exchange.writer.add("half");
      (void)co_await exchange.writer.flush();
      co_return fail(Reason::upstream_closed);
    }
    exchange.answer = "executed";
    co_return co_await pipeline::send_answer(exchange);
  }
};

inline const Schema& probe_schema() {
  static const Schema kSchema = schema::object({schema::field("says", schema::string())});
  return kSchema;
}
inline const Schema& no_config() {
  static const Schema kSchema = schema::object({});
  return kSchema;
}

template <const char* name>
std::expected<std::unique_ptr<pipeline::Filter>, Problems> make_probe(const Json& config, pipeline::MakeContext&) {
  const Json* says = config.find("says");
  return std::make_unique<Probe>(name, says != nullptr ? std::string(says->as_string()) : "next");
}
inline constexpr char kFirst[] = "first", kSecond[] = "second", kLast[] = "access_log";

inline pipeline::FilterTable probes() {
  using pipeline::FilterSpec;
  using pipeline::Phase;
  static const std::array kTable = {
      FilterSpec{kFirst, Phase::pre_auth, "", probe_schema, make_probe<kFirst>},
      FilterSpec{kSecond, Phase::transformation, "", probe_schema, make_probe<kSecond>},
      FilterSpec{
          "proxy", Phase::execution, "", no_config,
          [](const Json&, pipeline::MakeContext&) -> std::expected<std::unique_ptr<pipeline::Filter>, Problems> {
            return std::make_unique<Executed>();
          }},
      FilterSpec{kLast, Phase::post_execution, "", probe_schema, make_probe<kLast>},  // in every chain
  };
  return kTable;
}

// Of a document without its listeners, as JSON.
inline std::shared_ptr<const snapshot::Snapshot> snapshot_of(const std::string& members, std::uint64_t revision = 1) {
  const auto document = parse_json(R"({"listeners":[{"address":"127.0.0.1:0"}],)" + members + "}");
  if (!document) {
    ADD_FAILURE() << describe(document.error(), "document");
    std::abort();
  }
  auto out = snapshot::compile(*document, {.filters = probes(), .base_dir = {}, .revision = revision});
  if (!out) {
    ADD_FAILURE() << describe(out.error()[0], "document");
    std::abort();
  }
  return *out;
}

}  // namespace weir::gateway
