-- name: paper :one
SELECT id, title FROM paper_rows WHERE id = @id;

-- name: new_paper :one
INSERT INTO paper_rows (id, title) VALUES (@id, @title) RETURNING id, title;

-- name: put_paper :one
INSERT INTO paper_rows (id, title) VALUES (@id, @title)
    ON CONFLICT (id) DO UPDATE SET title = excluded.title
RETURNING id, title;

-- name: changed_paper :one
UPDATE paper_rows SET title = @title WHERE id = @id RETURNING id, title;

-- name: deleted_paper :one
DELETE FROM paper_rows WHERE id = @id RETURNING id;

-- name: nap :exec
SELECT pg_sleep(0.1);
