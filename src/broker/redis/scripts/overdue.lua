-- Finds messages whose holders have gone: simq's own after their lease, anybody's after the visibility timeout.
-- KEYS: unacked, unacked_index. ARGV: lease, visibility timeout, what simq's tags begin with, from which place of
-- the index on, how many to look at. Returns how many it looked at, the time, then tag and record of each one found.
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local lease, visibility = tonumber(now) - tonumber(ARGV[1]), tonumber(now) - tonumber(ARGV[2])
local latest = math.max(lease, visibility)
local entries = redis.call('ZRANGE', KEYS[2], '-inf', string.format('%.6f', latest), 'BYSCORE', 'LIMIT', ARGV[4], ARGV[5], 'WITHSCORES')
local found = { #entries / 2, now }
for place = 1, #entries, 2 do
  local tag, since = entries[place], tonumber(entries[place + 1])
  local own = string.sub(tag, 1, #ARGV[3]) == ARGV[3]
  if since <= visibility or (own and since <= lease) then
    found[#found + 1] = tag
    found[#found + 1] = redis.call('HGET', KEYS[1], tag)
  end
end
return found
