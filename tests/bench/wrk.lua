-- The load of one measurement, told by the environment:
--   BENCH_BODY  body of a POST with application/json; unset: GET
--   BENCH_KEYS  when set, every POST carries an Idempotency-Key of its own, beginning with this
-- At the end one line "RESULT {json}"; latencies in microseconds.

local body = os.getenv("BENCH_BODY")
local keys = os.getenv("BENCH_KEYS")
local threads = 0

if body then
    wrk.method = "POST"
    wrk.body = body
    wrk.headers["Content-Type"] = "application/json"
end

function setup(thread)
    thread:set("thread_number", threads)
    threads = threads + 1
end

if body and keys then
    -- Formatting once and joining strings costs the generator less than formatting each request.
    local before, after, count

    function init(args)
        local mark = "KEY-MARK"
        wrk.headers["Idempotency-Key"] = mark
        local text = wrk.format()
        local first, last = text:find(mark, 1, true)
        before = text:sub(1, first - 1) .. keys .. "-" .. thread_number .. "-"
        after = text:sub(last + 1)
        count = 0
    end

    function request()
        count = count + 1
        return before .. count .. after
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "duration_us": %d, "p50_us": %d, "p90_us": %d, "p99_us": %d, "max_us": %d, ' ..
        '"status_errors": %d, "socket_errors": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
