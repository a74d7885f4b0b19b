-- name: same_document :one
SELECT @document::jsonb AS anything;

-- name: item_count :one
SELECT cardinality(@numbers::int8[]) AS count;

-- name: rows_of_text :many
SELECT i, repeat('x', @size::int) AS text FROM generate_series(1, @rows::int) AS i ORDER BY i;
