-- Says that the messages with these tags are still held.
-- KEYS: unacked_index. ARGV: tags. Returns the places in ARGV, from 0, of those that are not unacked any more.
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local gone = {}
for place, tag in ipairs(ARGV) do
  if redis.call('ZSCORE', KEYS[1], tag) then
    redis.call('ZADD', KEYS[1], 'XX', now, tag)
  else
    gone[#gone + 1] = place - 1
  end
end
return gone
