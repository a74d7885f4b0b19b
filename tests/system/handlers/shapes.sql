-- name: every_setting :one
SELECT '2026-07-01 12:00:00+00'::timestamptz AS at, '1 year 2 days 03:04:05'::interval AS span,
       '\x00ff'::bytea AS bytes, 0.1::float8 + 0.2::float8 AS sum, 'a\tb' AS backslash,
       '{1,NULL}'::text[] AS items, xmlelement(name x, '\x00ff'::bytea)::text AS document,
       '"quoted"' AS quoted, 'pg_class'::regclass::text AS relation,
       current_setting('TimeZone') AS zone, current_setting('row_security') AS row_security,
       current_setting('jit') AS jit,
       coalesce(current_setting('client_connection_check_interval', true), 'none') AS check,
       to_char('2026-07-01 12:00:00+00'::timestamptz, 'HH24') AS hour,
       'a' = '2026-07-01'::date::text AS no;

-- name: page_of_floats :many
SELECT value
  FROM (SELECT 1 + i * 1e-15::float8 AS value FROM generate_series(1, 9) AS i) AS floats
 WHERE @after::float8 IS NULL OR value > @after::float8
 ORDER BY value
 LIMIT @limit::int;

-- name: set_zone :exec
SET timezone = 'Asia/Tokyo';

-- name: set_digits :exec
SELECT set_config('extra_float_digits', '0', false) AS digits;

-- name: reset_all :exec
RESET ALL;

-- name: levels :one
SELECT current_setting('transaction_isolation') AS isolation,
       current_setting('transaction_deferrable') AS deferrable;

-- name: one_row :one
SELECT 5::int8 AS n, true AS b, 1.5::float8 AS f, 'NaN'::float8 AS nan, 12.50::numeric AS price,
       12345678901234567890.123::numeric AS huge, '{"a": [1]}'::jsonb AS document,
       '\x00ff'::bytea AS bytes, '1 day'::interval AS span,
       '2026-07-01 12:00:00+00'::timestamptz AS at, ARRAY[1, NULL] AS numbers,
       int4range(1, 5) AS range, NULL::int AS nothing;

-- name: own_types :one
SELECT ARRAY['sad', 'happy']::shape_mood[] AS moods, 'sad'::shape_mood AS mood,
       ARRAY[['sad'], [NULL]]::shape_mood[] AS grid, ARRAY[1, 2]::shape_positive[] AS positives,
       3::shape_positive AS positive, ARRAY[4, 5]::shape_list AS list,
       ARRAY[ARRAY[6, 7]::shape_list] AS lists, ARRAY[ROW(1, 'a b')::shape_pair] AS pairs,
       ARRAY[int4range(1, 5)] AS ranges, '{}'::shape_mood[] AS none,
       ARRAY['(1,1),(0,0)'::box] AS boxes, ARRAY['A']::citext[] AS words, '{x'::citext AS brace,
       ARRAY['a=>1']::hstore[] AS stores, '[0:1]={sad,happy}'::shape_mood[] AS bounded;

-- name: new_moods :one
INSERT INTO shape_rows (moods) VALUES ('{sad}') RETURNING moods;

-- name: some_moods :one
SELECT CASE WHEN @some::bool THEN '{sad}'::shape_mood[] END AS moods;

-- name: some_new_moods :one
INSERT INTO shape_rows (moods) VALUES ('{sad}')
RETURNING CASE WHEN @some::bool THEN moods END AS moods;
