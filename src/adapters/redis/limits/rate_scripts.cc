// The scripts themselves (rate_scripts.h). Redis replicates their effects, not the scripts, so that TIME is allowed
// in a script that writes (Redis 5 and later).
#include "adapters/redis/limits/rate_scripts.h"

namespace weir::adapters::redis {
namespace {

// Sets now, n, fw:fp (fill) and w:p (the TAT, no earlier than now and no later than an empty bucket's: a server whose
// clock went back, or a config with a smaller burst, must lock nobody out).
constexpr const char* kBucket = R"(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local n, fw, fp = tonumber(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[5])
local w, p = now, 0
local value = redis.call('GET', KEYS[1])
if value then
  local a, b = string.match(value, '^(%d+):(%d+)$')
  if not a then return redis.error_reply('WRONGTYPE text that is no bucket') end
  a, b = tonumber(a), math.min(tonumber(b), n - 1)
  if a > now + fw or (a == now + fw and b > fp) then a, b = now + fw, fp end
  if a >= now then w, p = a, b end
end
)";

// keep(w, p): stores the TAT until the bucket is full.
constexpr const char* kKeep = R"(
local function keep(aw, ap)
  if aw > now or (aw == now and ap > 0) then
    redis.call('SET', KEYS[1], string.format('%.0f:%.0f', aw, ap), 'PX', math.ceil((aw - now + 1) / 1000) + 1)
  else
    redis.call('DEL', KEYS[1])
  end
end
)";

constexpr const char* kTake = R"(
local aw, ap = w + tonumber(ARGV[2]), p + tonumber(ARGV[3])
if ap >= n then aw, ap = aw + 1, ap - n end
local late, part = aw - fw - now, ap - fp
if late > 0 or (late == 0 and part > 0) then
  if part > 0 then late = late + 1 end
  return {0, w - now, p, late}
end
keep(aw, ap)
return {1, aw - now, ap, 0}
)";

constexpr const char* kGiveBack = R"(
local aw, ap = w - tonumber(ARGV[2]), p - tonumber(ARGV[3])
if ap < 0 then aw, ap = aw - 1, ap + n end
keep(aw, ap)
return {1, 0, 0, 0}
)";

constexpr const char* kLease = R"(
local qw, qp = tonumber(ARGV[2]), tonumber(ARGV[3])
local want, debt = tonumber(ARGV[6]), tonumber(ARGV[7])
local function later(count)
  local parts = p + count * qp
  return w + count * qw + math.floor(parts / n), parts % n
end
local function fits(count)
  local aw, ap = later(count)
  return aw < now + fw or (aw == now + fw and ap <= fp)
end
if debt > 0 then
  w, p = later(debt)
  if w > now + fw or (w == now + fw and p > fp) then w, p = now + fw, fp end
end
local grant = math.floor(((now + fw - w) + (fp - p) / n) / (qw + qp / n))
grant = math.max(0, math.min(want, grant))
while grant > 0 and not fits(grant) do grant = grant - 1 end
if grant < want and fits(grant + 1) then grant = grant + 1 end
w, p = later(grant)
keep(w, p)
local aw, ap = later(1)
local late, part = aw - fw - now, ap - fp
if part > 0 then late = late + 1 end
return {grant, w - now, p, math.max(0, late)}
)";

constexpr const char* kQuota = R"(
local most, cost, debt = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local value = redis.call('GET', KEYS[1]) or '0'
if #value > 15 or not string.match(value, '^%-?%d+$') then
  return redis.error_reply('WRONGTYPE text that is no count')
end
local used = tonumber(value)
if debt > 0 then used = redis.call('INCRBY', KEYS[1], ARGV[3]) end
local allowed = 0
if used + cost <= most or cost < 0 then
  used = redis.call('INCRBY', KEYS[1], ARGV[2])
  allowed = 1
end
if used == cost + debt or used == debt then redis.call('PEXPIREAT', KEYS[1], ARGV[4]) end
return {allowed, used}
)";

constexpr const char* kHeartbeat = R"(
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local gone = tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - gone))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + gone), '+inf')
redis.call('PEXPIRE', KEYS[1], gone * 2)
return redis.call('ZCARD', KEYS[1])
)";

}  // namespace

RateScripts::RateScripts()
    : take(std::string(kBucket) + kKeep + kTake),
      give_back(std::string(kBucket) + kKeep + kGiveBack),
      lease(std::string(kBucket) + kKeep + kLease),
      quota(kQuota),
      heartbeat(kHeartbeat) {}

}  // namespace weir::adapters::redis
