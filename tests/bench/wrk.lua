-- What wrk sends, and its last line: JSON. With BENCH_NEW_USERS in the environment each request is a POST of a user
-- with an address of his own.
local prefix = os.getenv("BENCH_NEW_USERS")

if prefix then
	local count = 0

	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/json"

	function request()
		count = count + 1
		return wrk.format(nil, nil, nil, string.format(
			'{"email":"%s-%d@example.com","name":"Ada Lovelace"}', prefix, count))
	end
end

function done(summary, latency)
	local errors = summary.errors

	io.write(string.format(
		'{"rate": %.3f, "errors": %d, "requests": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
		summary.requests / (summary.duration / 1e6),
		errors.connect + errors.read + errors.write + errors.status + errors.timeout,
		summary.requests, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
