-- Stores a state, unless what is there says more, and tells who listens.
-- KEYS: the result. ARGV: the result, its state's rank, seconds it is kept or 0, what the writer has read there and
-- replaces, then pairs of a state's name and its rank.
-- Returns 1 if it was stored, 0 if not, and what is there if it is in a form that only the writer can read.
local there = redis.pcall('GET', KEYS[1])
if type(there) == 'string' and there ~= ARGV[4] then
  local status = string.sub(there, 1, 1) == '{' and string.match(there, '"status": *"([^"]*)"')
  if not status then return there end
  for place = 5, #ARGV, 2 do
    if ARGV[place] == status and tonumber(ARGV[place + 1]) > tonumber(ARGV[2]) then return 0 end
  end
end
if ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SETEX', KEYS[1], ARGV[3], ARGV[1])
end
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1
