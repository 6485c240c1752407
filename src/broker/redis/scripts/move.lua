-- Takes a message out of unacked and puts it into lists, as one step, if it is still unacked.
-- KEYS: unacked, unacked_index, the lists. ARGV: tag, message, LPUSH or RPUSH, the latest time of its record or ''.
-- Returns 1 if it was moved.
if ARGV[4] ~= '' then
  local time = redis.call('ZSCORE', KEYS[2], ARGV[1])
  if not time or tonumber(time) > tonumber(ARGV[4]) then return 0 end
end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 0
end
for list = 3, #KEYS do
  redis.call(ARGV[3], KEYS[list], ARGV[2])
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
