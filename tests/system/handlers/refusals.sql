-- name: division_by_zero :one
SELECT 1 / 0 AS never;

-- name: quotient :one
SELECT 1 / @divisor::int AS share;

-- name: new_text :one
INSERT INTO refusal_texts (text) VALUES (@text) RETURNING 1 AS one;

-- name: new_large_text :exec
INSERT INTO refusal_texts (text)
SELECT string_agg(md5(i::text), '') FROM generate_series(1, 9999) AS i;

-- name: raised_error :one
SELECT refusal_raise(@code, @words, @hint)::text AS raised;

-- name: row_against_policy :one
INSERT INTO refusal_policies (id) VALUES (1) RETURNING id;

-- name: rows_without_privilege :many
SELECT * FROM refusal_rights;

-- name: new_pair :one
INSERT INTO refusal_pairs (a, b) VALUES (@a, @b) RETURNING a, b;

-- name: deleted_parents :exec
DELETE FROM refusal_parents;
