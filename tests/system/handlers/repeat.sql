-- name: new_row :one
INSERT INTO probe_rows (label) VALUES ('repeat-' || @label) RETURNING id;
