// One write of the admin API, from its Idempotency-Key to the revision that ?publish made of it: done together or not
// at all. Used by api.cc and drafts.cc.
#include <fmt/format.h>

#include <algorithm>

#include "control/api/handlers.h"
#include "crypto/digest.h"

namespace weir::control::api {
namespace {

// As long as two UUIDs and what people put around them.
constexpr std::size_t kLongestKey = 128;

bool is_key(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kLongestKey &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// What makes two requests the same: a repetition has the same bytes.
std::string digest_of(const ApiRequest& request) {
  std::string text = fmt::format("{} {}\n", request.method, request.path);
  for (const QueryParameter& one : request.query)
    text += fmt::format("{}{}{}\n", one.name, one.alone ? "" : "=", one.value);
  for (const std::string_view field : {"if-match", "if-none-match"})
    if (const std::string* value = request.field(field)) text += fmt::format("{}: {}\n", field, *value);
  return crypto::sha256_hex(text + '\n' + request.body);
}

std::string field_of(const ApiResponse& response, std::string_view wanted) {
  for (const auto& [name, value] : response.fields)
    if (name == wanted) return value;
  return {};
}

ApiResponse again(Remembered&& known) {
  ApiResponse out;
  out.status = known.status;
  out.body = std::move(known.body);
  if (!known.etag.empty()) out.fields.emplace_back("ETag", std::move(known.etag));
  if (!known.location.empty()) out.fields.emplace_back("Location", std::move(known.location));
  out.fields.emplace_back("Idempotent-Replayed", "true");
  return out;
}

// `response` is of a change that is now published too.
Outcome<void> publish_behind(Call& call, StoreWriter& writer, ApiResponse& response) {
  auto done = publish(writer, call.means.rules, call.means.signing_key, call.author,
                      {.message = call.publish_message,
                       .force = call.force,
                       .dry_run = call.dry_run,
                       .number_floor = call.number_floor()});
  if (!done) return std::unexpected(refusal(done.error()));
  Json body = Json::object();
  if (response.status == 204)
    response.status = 200;
  else if (auto parsed = parse_json(response.body))
    body = std::move(*parsed);
  // Beside `_meta`, where the body is an object's own.
  body.set(body.find("_meta") ? "_revision" : "revision", to_json(*done));
  call.unprobed = std::move(done->unprobed);
  response.body = to_pretty(body) + '\n';
  if (!done->unchanged) response.published = done->revision.number;
  return {};
}

// Without the lock: whoever is probed may take seconds to say nothing. A repetition of the request gets the answer as
// it was before this.
void probe_behind(const Call& call, ApiResponse& response) {
  const Findings found = warn_of_unreachable(call.means.rules, call.unprobed);
  auto body = found.empty() ? std::nullopt : std::optional(parse_json(response.body));
  if (!body || !*body || !(*body)->is_object()) return;
  const auto warned = [&](Json revision) {
    const Json* before = revision.find("warnings");
    Json warnings = before != nullptr ? *before : Json::array();
    for (const Finding& each : found) warnings.push(to_json(field_problem(each)));
    return std::move(revision.set("warnings", std::move(warnings)));
  };
  const std::string_view inside = (*body)->find("_revision")  ? "_revision"
                                  : (*body)->find("revision") ? "revision"
                                                              : "";
  if (inside.empty())
    **body = warned(std::move(**body));
  else
    (*body)->set(inside, warned(*(*body)->find(inside)));
  response.body = to_pretty(**body) + '\n';
}

class Transaction {
 public:
  Transaction(Call& call, const Work& work) : call_(call), work_(work) {}

  Outcome<ApiResponse> run() {
    key_ = call_.request.field("idempotency-key");
    if (key_ != nullptr && !is_key(*key_))
      return refuse(Why::bad_request, {.field = "Idempotency-Key",
                                       .message = fmt::format("expected 1 to {} visible ASCII letters", kLongestKey),
                                       .hint = "a UUID"});
    const auto written = call_.means.store.write([&](StoreWriter& writer) -> StoreResult<void> {
      out_ = inside(writer);
      undone_ = !out_ || call_.dry_run || replayed_;
      if (!undone_) return {};
      return std::unexpected(StoreError{StoreError::Kind::broken, "undone on purpose"});
    });
    if (!written && !undone_) return std::unexpected(refusal(written.error()));
    if (out_ && undone_) out_->published.reset();
    if (out_ && !replayed_) probe_behind(call_, *out_);
    return std::move(out_);
  }

 private:
  Outcome<ApiResponse> inside(StoreWriter& writer) {
    const std::string digest = key_ ? digest_of(call_.request) : std::string();
    if (key_ != nullptr) {
      auto known = writer.remembered(call_.author.who.name, *key_);
      if (!known) return std::unexpected(refusal(known.error()));
      if (known->has_value()) return repeated(std::move(**known), digest);
    }
    auto out = work_(writer);
    if (!out) return out;
    if (call_.publish)
      if (auto done = publish_behind(call_, writer, *out); !done) return std::unexpected(done.error());
    if (key_ == nullptr || call_.dry_run) return out;
    const auto kept = writer.remember({.actor = call_.author.who.name,
                                       .key = *key_,
                                       .request = digest,
                                       .status = out->status,
                                       .body = out->body,
                                       .etag = field_of(*out, "ETag"),
                                       .location = field_of(*out, "Location"),
                                       .at_ms = call_.author.at_ms});
    if (!kept) return std::unexpected(refusal(kept.error()));
    return out;
  }

  Outcome<ApiResponse> repeated(Remembered&& known, const std::string& digest) {
    if (known.request != digest)
      return refuse(Why::key_reused, {.field = "Idempotency-Key",
                                      .message = "was sent with another request before",
                                      .hint = "a new request needs a new key"});
    replayed_ = true;
    return again(std::move(known));
  }

  Call& call_;
  const Work& work_;
  const std::string* key_ = nullptr;
  Outcome<ApiResponse> out_;
  bool undone_ = false;
  bool replayed_ = false;
};

}  // namespace

Outcome<ApiResponse> written(Call& call, const Work& work) { return Transaction(call, work).run(); }

}  // namespace weir::control::api
