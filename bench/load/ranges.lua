-- wrk -s ranges.lua URL -- FILE_SIZE RANGE_LENGTH: random ranges; any answer but 206 is an error.
local size, length

function init(args)
  size, length = tonumber(args[1]), tonumber(args[2])
  math.randomseed(1)
end

function request()
  local first = math.random(0, size - length)
  return wrk.format("GET", nil, {
    Range = string.format("bytes=%d-%d", first, first + length - 1),
  })
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  if failed > 0 then
    print("FAILED: " .. failed .. " errors")
    return
  end
  print(string.format("RESULT %.0f", summary.bytes / summary.duration * 1e6))
  print(string.format("p99 %.2f ms, %.0f requests/s", latency:percentile(99) / 1000,
    summary.requests / summary.duration * 1e6))
end
