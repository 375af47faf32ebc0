// revoked_tokens.h, in Redis.
#include <charconv>
#include <cmath>
#include <limits>

#include "app/stores/revoked_tokens.h"

namespace weir::app {
namespace {

using adapters::redis::Answer;
using adapters::redis::Value;

constexpr std::string_view kName = "weir:revoked";

// A line that is there keeps the later time. One script, so that who listens finds what it is told of.
const adapters::redis::Script& add_script() {
  static const adapters::redis::Script kScript(R"(
local there = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not there or tonumber(there) < tonumber(ARGV[2]) then redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
redis.call('PUBLISH', KEYS[1], 'changed')
return 1)");
  return kScript;
}

std::string score_text(double until) {
  return std::isfinite(until) ? std::to_string(static_cast<std::int64_t>(std::ceil(until))) : "+inf";
}

class InRedis final : public RevokedTokens {
 public:
  explicit InRedis(std::unique_ptr<RedisSession> session) : session_(std::move(session)) {}

  std::expected<std::vector<Revoked>, std::string> all() override {
    const Answer answer = session_->wait(read());
    if (!answer || answer->is_error()) return std::unexpected(why(answer));
    std::vector<Revoked> out;
    const auto add = [&out](std::string_view line, std::string_view score) {
      double until = std::numeric_limits<double>::infinity();
      std::from_chars(score.data(), score.data() + score.size(), until);
      out.push_back({until, std::string(line)});
    };
    std::optional<std::string_view> line;  // RESP2 has members and scores in turn, RESP3 in pairs
    for (const Value each : *answer) {
      if (each.type() == adapters::redis::Type::array) {
        add(each[0].text(), each[1].text());
      } else if (line) {
        add(*std::exchange(line, std::nullopt), each.text());
      } else {
        line = each.text();
      }
    }
    return out;
  }

  std::expected<void, std::string> add(const Revoked& one, double now) override {
    const Answer answer = session_->wait(write(one, now));
    if (!answer || answer->is_error()) return std::unexpected(why(answer));
    return {};
  }

 private:
  io::Task<Answer> read() {
    co_return co_await session_->client().call({"ZRANGEBYSCORE", kName, "-inf", "+inf", "WITHSCORES"},
                                               session_->deadline());
  }
  io::Task<Answer> write(const Revoked& one, double now) {
    const std::string until = score_text(one.until), from = score_text(now);
    const std::string_view arguments[] = {one.line, until, from};
    co_return co_await session_->client().call(add_script(), kName, arguments, session_->deadline());
  }
  static std::string why(const Answer& answer) {
    if (answer) return "Redis answers: " + std::string(answer->text());
    return "Redis does not answer: " + std::string(answer.error().detail);
  }

  std::unique_ptr<RedisSession> session_;
};

}  // namespace

std::expected<std::unique_ptr<RevokedTokens>, std::string> revoked_in_redis(
    std::shared_ptr<const ports::RedisSettings> settings) {
  auto session = RedisSession::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  return std::make_unique<InRedis>(std::move(*session));
}

}  // namespace weir::app
