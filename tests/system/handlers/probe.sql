-- name: session :one
SELECT pg_backend_pid() AS pid, current_setting('application_name') AS application_name,
       current_setting('statement_timeout') AS statement_timeout,
       current_setting('lock_timeout') AS lock_timeout,
       current_setting('idle_in_transaction_session_timeout') AS idle_timeout,
       current_setting('jit') AS jit, current_setting('transaction_read_only') AS read_only, s.ssl,
       s.version AS tls
  FROM pg_stat_ssl s
 WHERE s.pid = pg_backend_pid();

-- name: every_type :one
SELECT true AS yes, 32767::int2 AS small, (-9223372036854775807 - 1)::int8 AS big,
       9007199254740993::text AS big_text, 0.1::float8 AS float, 'NaN'::float8 AS nan,
       'Infinity'::float4 AS infinite, 12.50::numeric AS price,
       12345678901234567890.123::numeric AS huge, '{"a": [1, null]}'::jsonb AS document, '[1,
2]'::json AS list, ARRAY[1, NULL, 3] AS numbers, ARRAY['a', 'NULL', NULL, '"q\'] AS texts,
       ARRAY[ARRAY[true], ARRAY[false]] AS grid, '{}'::text[] AS empty,
       '2026-01-31 23:59:59.5+02'::timestamptz AS at, '2026-01-31 23:59:59'::timestamp AS local,
       'infinity'::timestamptz AS ever, '2026-01-31'::date AS day,
       '00000000-0000-0000-0000-00000000002a'::uuid AS id, NULL::text AS nothing,
       E'tab\t"quote"' AS text;

-- name: no_row :many
SELECT 1 AS one WHERE false;

-- name: new_row_of_types :one
-- Has comments, quotes and names that look like other parts of a statement.
/* with ( */ WITH "select" AS (SELECT '('), /* as one */
     new_row AS (INSERT INTO probe_rows (label) VALUES (@label) RETURNING *)
SELECT label, 12.50::numeric AS price, clock_timestamp() AS at,
       ARRAY['a', 'NULL', NULL, '"q\'] AS texts, NULL::text AS none, '' AS empty,
       E'(\'\n,"' AS text, $$;$$ AS dollars, ROW(1, 'x y')::text AS row,
       '{"a": "b\\\\c"}'::jsonb AS document, 1.5e300::float8 AS number, true AS yes
  FROM new_row -- the end
;

-- name: nap :one
SELECT pg_sleep(@seconds)::text AS slept;

-- name: new_row :one
INSERT INTO probe_rows (label) VALUES (@label) RETURNING label;

-- name: row_count :one
SELECT count(*) AS count FROM probe_rows WHERE label = @label;

-- name: division_by_zero :one
SELECT 1 / 0 AS never;

-- name: version :one
-- PREPARE does not accept this statement.
SHOW server_version;

-- name: end_of_session :one
SELECT pg_terminate_backend(pg_backend_pid())::text AS gone;

-- name: wide_rows :many
SELECT i, repeat('x', @size::int) AS text FROM generate_series(1, @rows::int) AS i ORDER BY i;

-- name: bad_date :one
SELECT @text::date AS day;

-- name: prepared_statements :many
SELECT name, statement FROM pg_prepared_statements;

-- name: deallocation :exec
DEALLOCATE ALL;

-- name: all_responses :many
-- A handler may forget the WHERE; row-level security must hold.
SELECT user_id, answers FROM quiz_responses ORDER BY id;

-- name: claims :one
SELECT coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::json AS claims;

-- name: two_columns_of_one_name :one
SELECT * FROM (SELECT 1 AS a, 2 AS b) AS one, (SELECT 3 AS a) AS other;
