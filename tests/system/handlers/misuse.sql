-- name: one_row :one
SELECT 1 AS one WHERE @text::text IS NULL OR @text::text <> '';

-- name: new_row :one
INSERT INTO probe_rows (label) VALUES (coalesce(@label, 'misuse')) RETURNING label;

-- name: two_values :many
SELECT @one::text AS one, @two::text AS two;

-- name: nothing :exec
SELECT 1 AS one;

-- name: one_of_two_rows :one
SELECT generate_series(1, 2) AS one;

-- name: no_rows :many
SELECT 1 AS one WHERE false;
