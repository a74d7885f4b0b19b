-- name: some_rows :many
SELECT n, 'row ' || n AS label, n::numeric / 3 AS third, (n % 2 = 0) AS even, NULL::text AS nothing, '{"a": [1]}'::jsonb AS doc,
  ARRAY[n, n + 1] AS list, repeat('s', least(n, 9)::int) AS secret
FROM generate_series(1, @count::bigint) AS n;

-- name: cells :many
SELECT v AS value, -1.5::float8 AS number, -7 AS whole, '=1+1' AS formula FROM unnest(@values::text[]) WITH ORDINALITY AS t(v, i) ORDER BY i;

-- name: add_row :exec
INSERT INTO probe_rows (label) VALUES (@label);

-- name: new_row :one
INSERT INTO probe_rows (label) VALUES (@label) RETURNING id, label;

-- name: report :one
SELECT '{"b": [1, {"c": null}]}'::jsonb AS report, 7::numeric AS n;

-- name: one_null :many
SELECT NULL::text AS one;

-- name: row_without_place :one
INSERT INTO probe_rows (label) VALUES (@label) RETURNING label, NULL::text AS place;
