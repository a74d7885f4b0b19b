-- name: new_row :one
INSERT INTO typed_rows (value) VALUES (@value) RETURNING value::text;

-- name: row_count :one
SELECT count(*) AS count FROM typed_rows WHERE value = @value;

-- name: another_statement :one
SELECT 1 AS one;
