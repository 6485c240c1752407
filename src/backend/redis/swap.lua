-- Puts a value in place of the one that is expected; '' is none. KEYS: the key. ARGV: expected, new.
-- Returns 1 if it was done.
local there = redis.call('GET', KEYS[1])
if (there or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
