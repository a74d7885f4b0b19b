-- name: row_count :one
SELECT count(*) AS total FROM batches_rows;

-- name: rows_like :many
SELECT label FROM batches_rows WHERE label LIKE @pattern ORDER BY label;

-- name: one_row :one
SELECT label FROM batches_rows WHERE label = @label;

-- name: add_row :exec
INSERT INTO batches_rows (label) VALUES (@label);

-- name: new_row :one
INSERT INTO batches_rows (label) VALUES (@label) RETURNING id, label;

-- name: cast_of :one
SELECT @text::text::int AS n;

-- name: slept :many
SELECT pg_sleep(@seconds::float8)::text AS slept;

-- name: touched :one
UPDATE batches_rows SET label = label WHERE label = @label RETURNING id;

-- name: number :one
SELECT @n::bigint AS n;

-- name: divided :one
SELECT 10 / @by::bigint AS part;

-- name: raised :one
SELECT batches_raise(@code) AS nothing;

-- name: add_rows :exec
INSERT INTO batches_rows (label) SELECT label FROM jsonb_to_recordset(@rows::jsonb) AS r(label text);

-- name: moods :many
SELECT ARRAY['sad']::batches_mood[] AS moods;
