-- name: answers_row :one
INSERT INTO probe_rows (label) VALUES (@label) RETURNING label;

-- name: answers_hidden_row :one
-- Does its work, and returns no row.
WITH made AS (INSERT INTO probe_rows (label) VALUES (@label) RETURNING label)
SELECT label FROM made WHERE label = '';

-- name: answers_missing_row :one
-- Changes nothing.
UPDATE probe_rows SET label = label WHERE label = @label || ' of nobody' RETURNING label;

-- name: answers_two_rows :one
INSERT INTO probe_rows (label) SELECT @label || i FROM generate_series(1, 2) AS i RETURNING label;

-- name: answers_changed_rows :one
UPDATE probe_rows SET label = label || '!' WHERE starts_with(label, @label) RETURNING label;

-- name: answers_added_row :one
-- Its text does not show its columns.
INSERT INTO probe_rows (label) VALUES (@label) RETURNING *;

-- name: answers_own_types :one
-- An array of a domain, which a worker has to learn.
INSERT INTO probe_rows (label) VALUES (@label) RETURNING ARRAY[label]::information_schema.character_data[] AS labels;

-- name: answers_failing :one
SELECT (1 / @zero::int)::text AS never;
