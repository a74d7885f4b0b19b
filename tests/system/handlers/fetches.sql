-- name: new_row :one
INSERT INTO probe_rows (label) VALUES (@label) RETURNING id, label;

-- name: row_count :one
SELECT count(*) AS total FROM probe_rows;
