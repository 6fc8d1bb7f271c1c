-- One purchase: request id, buyer, offering. Everything or nothing, once for each id.
local known = redis.call('HGET', 'request', ARGV[1])
if known then return tonumber(known) end
local offering = redis.call('HMGET', 'offering:' .. ARGV[3], 'price', 'items', 'sold', 'payee', 'payer')
local price, serial = tonumber(offering[1]), tonumber(offering[3]) + 1
if serial > tonumber(offering[2]) then return -1 end
if tonumber(redis.call('HGET', 'balance', ARGV[2]) or '0') < price then return -2 end
local certificate = ARGV[3] .. ':' .. serial
redis.call('HSET', 'offering:' .. ARGV[3], 'sold', serial)
redis.call('HINCRBY', 'balance', ARGV[2], -price)
redis.call('HINCRBY', 'balance', offering[4], price)
local rest = tonumber(redis.call('HGET', 'envelope', certificate))
local chain = redis.call('LRANGE', 'chain:' .. certificate, 0, -1)
for place = 1, #chain, 2 do
  redis.call('HINCRBY', 'balance', chain[place], chain[place + 1])
  rest = rest - tonumber(chain[place + 1])
end
redis.call('HINCRBY', 'balance', offering[5], rest)
redis.call('HSET', 'envelope', certificate, 0)
redis.call('HSET', 'request', ARGV[1], serial)
return serial
