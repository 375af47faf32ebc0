#include "gateway/keys/key_keeper.h"

#include "base/json/json.h"
#include "base/random.h"

namespace weir::gateway {
namespace {

using namespace std::chrono_literals;

// After failures: 1, 2, 4, … seconds, a minute at most; half a minute while there are no keys at all.
constexpr std::chrono::seconds kFirstRetry = 1s;
constexpr std::chrono::seconds kLongestRetry = 60s;
constexpr std::chrono::seconds kLongestRetryWithout = 30s;
// A discovery document is believed that long, unless a fetch fails.
constexpr auto kDiscovered = std::chrono::hours(1);

}  // namespace

struct KeyKeeper::Source {
  Source(io::Loop& loop, pipeline::KeySourceSpec from) : spec(std::move(from)), bell(loop) {}
  const std::string& name() const noexcept { return spec.url.empty() ? spec.issuer : spec.url; }

  pipeline::KeySourceSpec spec;
  io::Bell bell;
  upstream::Cancellation cancellation;
  bool gone = false;   // no longer in the config
  bool ended = false;  // its task has
  bool fetching = false;
  bool asked = false;
  std::shared_ptr<const jose::KeySet> keys;
  io::TimePoint fetched_at{};
  io::TimePoint due{};
  io::TimePoint quiet_until{};
  std::string found_url;  // by discovery
  io::TimePoint found_at{};
  std::chrono::seconds fresh_for{};  // of the last answer
  int failed_in_a_row = 0;
  std::uint64_t fetches = 0;
  std::uint64_t failures = 0;
  std::uint64_t published = 0;  // how often
};

KeyKeeper::KeyKeeper(io::Loop& loop, upstream::Directory& directory, http::BufferPool& buffers, Publish publish,
                     Say say)
    : loop_(loop),
      directory_(directory),
      buffers_(buffers),
      publish_(std::move(publish)),
      say_(std::move(say)),
      bell_(loop) {}

KeyKeeper::~KeyKeeper() = default;

void KeyKeeper::follow(const std::vector<pipeline::KeySourceSpec>& specs) {
  forget_gone();
  for (const auto& source : sources_) {
    if (std::ranges::find(specs, source->spec.id, &pipeline::KeySourceSpec::id) != specs.end()) continue;
    source->gone = true;
    source->cancellation.cancel();
    source->bell.ring();
  }
  for (const pipeline::KeySourceSpec& spec : specs) {
    const bool known = std::ranges::any_of(
        sources_, [&](const auto& source) { return !source->gone && source->spec.id == spec.id; });
    if (known || ended_) continue;
    sources_.push_back(std::make_unique<Source>(loop_, spec));
    tasks_.spawn(keep(*sources_.back()));
  }
}

void KeyKeeper::forget_gone() {
  std::erase_if(sources_, [](const auto& source) { return source->ended; });
}

void KeyKeeper::ask(std::uint64_t id, std::uint64_t seen) {
  const auto at =
      std::ranges::find_if(sources_, [&](const auto& source) { return !source->gone && source->spec.id == id; });
  if (at == sources_.end() || (*at)->fetching || (*at)->asked) return;
  Source& source = **at;
  if (seen != source.published) return;  // newer ones are on their way to whoever asks
  const io::TimePoint now = loop_.refresh();
  if (now < source.quiet_until) return publish(source);
  source.quiet_until = now + kOnDemandPause;
  source.asked = true;
  source.bell.ring();
}

io::Task<void> KeyKeeper::run() {
  while (!ended_) co_await bell_.wait(io::kNever);
  co_await tasks_.join();
  sources_.clear();
}

void KeyKeeper::end() {
  ended_ = true;
  for (const auto& source : sources_) {
    source->gone = true;
    source->cancellation.cancel();
    source->bell.ring();
  }
  bell_.ring();
}

io::Task<void> KeyKeeper::keep(Source& source) {
  while (!source.gone) {
    source.fetching = true;
    source.asked = false;
    Fetched fetched = co_await fetch(source);
    source.fetching = false;
    if (source.gone) break;
    settle(source, std::move(fetched));
    publish(source);
    while (!source.gone && !source.asked && loop_.now() < source.due) co_await source.bell.wait(source.due);
  }
  source.ended = true;
}

io::Task<KeyKeeper::Fetched> KeyKeeper::fetch(Source& source) {
  ++source.fetches;
  const io::TimePoint deadline = loop_.refresh() + kKeyFetchTimeout;
  std::string url = source.spec.url;
  if (url.empty()) {
    auto found = co_await discover(source, deadline);
    if (!found) co_return Fetched(std::unexpect, std::move(found.error()));
    url = std::move(*found);
  }
  auto document =
      co_await fetch_key_document(loop_, directory_, buffers_, source.spec, url, deadline, &source.cancellation);
  if (!document) co_return Fetched(std::unexpect, std::move(document.error()));
  source.fresh_for = freshness(document->value("Cache-Control"));
  auto keys = jose::KeySet::parse(document->body, source.spec.rules);
  if (!keys) co_return Fetched(std::unexpect, "the answer " + keys.error());
  if ((*keys)->size() == 0) {
    const auto& skipped = (*keys)->skipped();
    co_return Fetched(std::unexpect, "the set has no key that can be used" +
                                         (skipped.empty() ? std::string() : " (" + skipped[0].reason + ")"));
  }
  co_return Fetched(std::move(*keys));
}

io::Task<std::expected<std::string, std::string>> KeyKeeper::discover(Source& source, io::TimePoint deadline) {
  using Outcome = std::expected<std::string, std::string>;
  if (!source.found_url.empty() && source.failed_in_a_row == 0 && loop_.now() < source.found_at + kDiscovered)
    co_return Outcome(source.found_url);
  auto document =
      co_await fetch_key_document(loop_, directory_, buffers_, source.spec,
                                  pipeline::discovery_url(source.spec.issuer), deadline, &source.cancellation);
  if (!document) co_return Outcome(std::unexpect, "discovery: " + document.error());
  const auto json = parse_json(document->body);
  const Json* issuer = json ? json->find("issuer") : nullptr;
  const Json* keys = json ? json->find("jwks_uri") : nullptr;
  if (issuer == nullptr || keys == nullptr || !issuer->is_string() || !keys->is_string())
    co_return Outcome(std::unexpect, "discovery: the document has no issuer or no jwks_uri");
  // OpenID Connect Discovery §4.3: else one issuer could speak for another.
  if (issuer->as_string() != source.spec.issuer)
    co_return Outcome(std::unexpect, "discovery: the document is of another issuer");
  source.found_url = keys->as_string();
  source.found_at = loop_.now();
  co_return Outcome(source.found_url);
}

void KeyKeeper::settle(Source& source, Fetched fetched) {
  const io::TimePoint now = loop_.refresh();
  if (fetched) {
    const bool another = !source.keys || source.keys->digest() != (*fetched)->digest();
    if (another) {
      std::string line = "keys of " + source.name() + ": " + std::to_string((*fetched)->size()) + " in use";
      for (const jose::Skipped& skipped : (*fetched)->skipped())
        line += "; left out " + (skipped.kid.empty() ? std::string("one") : "\"" + skipped.kid + "\"") + ": " +
                skipped.reason;
      say_(line);
    } else if (source.failed_in_a_row != 0) {
      say_("keys of " + source.name() + " can be fetched again");
    }
    source.keys = std::move(*fetched);
    source.fetched_at = now;
    source.failed_in_a_row = 0;
    // A tenth less at most, so that instances started together do not ask together for ever.
    const auto tenth = static_cast<std::uint64_t>(source.fresh_for.count()) * 100;
    source.due = now + source.fresh_for - std::chrono::milliseconds(fast_random() % (tenth + 1));
    return;
  }
  ++source.failures;
  if (source.keys && now - source.fetched_at > kStaleKeys) {
    source.keys = nullptr;
    say_("keys of " + source.name() + " are older than 24 h and are given up: its tokens are refused");
  }
  if (source.failed_in_a_row == 0)
    say_("keys of " + source.name() + " could not be fetched: " + fetched.error() +
         (source.keys ? "; the last good set stays in use" : "; its tokens are refused until they can"));
  const auto most = source.keys ? kLongestRetry : kLongestRetryWithout;
  source.due = now + std::min<std::chrono::seconds>(most, kFirstRetry * (1 << std::min(source.failed_in_a_row, 6)));
  ++source.failed_in_a_row;
}

void KeyKeeper::publish(Source& source) {
  publish_({source.spec.id, source.keys, source.quiet_until, ++source.published});
}

std::vector<KeySourceFacts> KeyKeeper::facts() const {
  std::vector<KeySourceFacts> out;
  for (const auto& source : sources_) {
    if (source->gone) continue;
    KeySourceFacts facts{.source = source->name(), .fetches = source->fetches, .failures = source->failures};
    if (source->keys) {
      facts.keys = source->keys->size();
      facts.skipped = source->keys->skipped().size();
      facts.age = std::chrono::duration<double>(io::Clock::now() - source->fetched_at).count();
    }
    out.push_back(std::move(facts));
  }
  return out;
}

}  // namespace weir::gateway
