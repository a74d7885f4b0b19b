-- name: row_count :one
SELECT count(*) AS count FROM probe_rows WHERE label = 'cached-' || @number;

-- name: new_row :one
INSERT INTO probe_rows (label) VALUES ('cached-' || @number) RETURNING label;

-- name: no_row :one
INSERT INTO probe_rows (label)
SELECT 'cached-' || @number WHERE pg_typeof(1) = 'text'::regtype
RETURNING label;
