// The Lua of the control plane's side of the config channel (publisher.cc): what has to be read and changed in
// one step, because other replicas publish and strangers write meanwhile. All keys are of one slot.
#pragma once

#include <string_view>

namespace weir::adapters::redis {

// KEYS: head, document, delta, numbers. ARGV: number, digest, revision, delta or nothing, prefix, channel, how many
// stay, number and digest of a head that was judged to be nobody's. Answers 0: it is there; -1: there is another of
// that number; else the higher number that is there. The head gives way to a higher number, or if it is still the one
// that was judged, or no head of ours at all; numbers above the new head are of what it replaced.
inline constexpr std::string_view kPut = R"(
local function number_of(text)
  if not text or #text > 16 or not string.find(text, '^[1-9]%d*$') then return 0 end
  local number = tonumber(text)
  return number <= 9007199254740991 and number or 0
end
local function drop(numbers)
  for _, old in ipairs(numbers) do
    redis.call('DEL', ARGV[5] .. 'document:' .. old, ARGV[5] .. 'delta:' .. old)
    redis.call('ZREM', KEYS[4], old)
  end
end
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
if redis.call('TYPE', KEYS[4]).ok ~= 'zset' then redis.call('DEL', KEYS[4]) end
local there = redis.call('HMGET', KEYS[1], 'number', 'digest')
local head, number, digest = number_of(there[1]), tonumber(ARGV[1]), there[2] or ''
if head > 0 and not (there[1] == ARGV[8] and digest == ARGV[9]) then
  if head > number then return head end
  if head == number and digest ~= ARGV[2] then return -1 end
end
redis.call('SET', KEYS[2], ARGV[3])
if ARGV[4] ~= '' then redis.call('SET', KEYS[3], ARGV[4]) end
redis.call('ZADD', KEYS[4], ARGV[1], ARGV[1])
drop(redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. ARGV[1], '+inf', 'LIMIT', 0, 100))
redis.call('ZREMRANGEBYSCORE', KEYS[4], '(' .. ARGV[1], '+inf')
drop(redis.call('ZRANGE', KEYS[4], 0, -1 - tonumber(ARGV[7])))
redis.call('HSET', KEYS[1], 'number', ARGV[1], 'digest', ARGV[2])
redis.call('PUBLISH', ARGV[6], ARGV[1])
return 0)";

// KEYS: instances. ARGV: most instances, longest name, longest receipt, most bytes of an answer. Answers how many
// were dropped, then names and receipts, in turn. Of too many nobody is kept: who is alive is there again within two
// seconds. What does not fit into the answer stays; its next receipt is heard.
inline constexpr std::string_view kReadInstances = R"(
local most, name, receipt, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local count = redis.call('HLEN', KEYS[1])
if count > most then
  redis.call('UNLINK', KEYS[1])
  return {count}
end
local out = {0}
for _, instance in ipairs(redis.call('HKEYS', KEYS[1])) do
  local size = redis.call('HSTRLEN', KEYS[1], instance)
  if #instance > name or size > receipt then
    redis.call('HDEL', KEYS[1], instance)
    out[1] = out[1] + 1
  elseif size <= bytes then
    bytes = bytes - size
    out[#out + 1] = instance
    out[#out + 1] = redis.call('HGET', KEYS[1], instance)
  end
end
return out)";

}  // namespace weir::adapters::redis
