-- What several programs do with users. A row with deleted_at counts as deleted.

-- name: user_by_id :one
SELECT id, email, name, created_at, updated_at FROM users WHERE id = @id AND deleted_at IS NULL;
