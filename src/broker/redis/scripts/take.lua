-- Takes messages out of queues and records them as unacked, as one step.
-- KEYS: unacked, unacked_index, then the lists, in the order in which they are served.
-- ARGV: most messages, what tags begin with, the first tag's number, then for each list the end of its records.
-- Returns for each list that gave something its number and its messages, or the error that it gave.
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local room, number, taken = tonumber(ARGV[1]), tonumber(ARGV[3]), {}
for list = 3, #KEYS do
  if room <= 0 then break end
  local messages = redis.pcall('LRANGE', KEYS[list], -room, -1)
  if messages.err then
    taken[#taken + 1] = list - 3
    taken[#taken + 1] = messages.err
  elseif #messages > 0 then
    local records, times, served = {}, {}, {}
    for place = #messages, 1, -1 do
      local tag = ARGV[2] .. string.format('%.0f', number)
      number = number + 1
      records[#records + 1] = tag
      records[#records + 1] = '[' .. messages[place] .. ARGV[list + 1]
      times[#times + 1] = now
      times[#times + 1] = tag
      served[#served + 1] = messages[place]
    end
    -- Recorded first: an error here leaves the messages in their list.
    redis.call('HSET', KEYS[1], unpack(records))
    redis.call('ZADD', KEYS[2], unpack(times))
    redis.call('LTRIM', KEYS[list], 0, -1 - #messages)
    room = room - #messages
    taken[#taken + 1] = list - 3
    taken[#taken + 1] = served
  end
end
return taken
