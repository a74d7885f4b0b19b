-- name: many_rows :many
SELECT n, 'row ' || n AS label, (n % 2 = 0) AS even, NULL::text AS nothing, ARRAY[n, n + 1] AS list, '=1+1' AS formula,
  repeat('x', @size::int) AS filler
FROM generate_series(1, @count::bigint) AS n;

-- name: failing_rows :many
-- The row of that number divides by zero.
SELECT n, 1 / (n - @at::bigint) AS part, repeat('x', @size::int) AS filler FROM generate_series(1, @count::bigint) AS n;

-- name: growing_rows :many
-- The last one is that large.
SELECT n, repeat('x', CASE WHEN n < 10000 THEN 10 ELSE @size::int END) AS filler FROM generate_series(1, 10000) AS n;

-- name: slow_rows :many
SELECT n, pg_sleep(0.01)::text AS slept, repeat('x', @size::int) AS filler FROM generate_series(1, @count::bigint) AS n;

-- name: row_total :one
SELECT count(*) AS total FROM probe_rows;

-- name: all_labels :many
SELECT label, repeat('x', @size::int) AS filler FROM probe_rows ORDER BY label;

-- name: moods :many
SELECT n, CASE WHEN n > 1 THEN ARRAY['sad', 'happy']::stream_mood[] END AS moods, 'sad'::stream_mood AS mood
FROM generate_series(1, 20000) AS n;

-- name: many_types :many
-- More columns of types to ask for than one question takes, and the last of another type.
SELECT 'sad'::stream_mood AS a, m.*, ARRAY['[1,5)'::int4range] AS ranges, ARRAY[point '(1,2)'] AS points, ARRAY['much']::stream_amount[] AS amounts
FROM (SELECT 'sad'::stream_mood AS m1, 'sad'::stream_mood AS m2, 'sad'::stream_mood AS m3, 'sad'::stream_mood AS m4, 'sad'::stream_mood AS m5,
  'sad'::stream_mood AS m6, 'sad'::stream_mood AS m7, 'sad'::stream_mood AS m8, 'sad'::stream_mood AS m9, 'sad'::stream_mood AS m10,
  'sad'::stream_mood AS m11, 'sad'::stream_mood AS m12, 'sad'::stream_mood AS m13, 'sad'::stream_mood AS m14, 'sad'::stream_mood AS m15,
  'sad'::stream_mood AS m16, 'sad'::stream_mood AS m17) AS m;

-- name: twins :many
SELECT x.*, y.* FROM (SELECT 1 AS a) AS x, (SELECT 2 AS a) AS y;

-- name: nothing :exec
SELECT 1;

-- name: written :many
INSERT INTO probe_rows (label) VALUES (@label) RETURNING id, label;
