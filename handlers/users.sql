-- The pages of users: one statement for each order, so that each has its index.

-- name: oldest_first :many
SELECT id, email, name, created_at, updated_at FROM users
WHERE deleted_at IS NULL
  AND (@email::text IS NULL OR lower(email) = lower(@email))
  AND (@since::timestamptz IS NULL OR created_at >= @since)
  AND (@after::timestamptz IS NULL OR (created_at, id) > (@after, @after_id::uuid))
ORDER BY created_at ASC, id ASC LIMIT @limit::bigint + 1;

-- name: newest_first :many
SELECT id, email, name, created_at, updated_at FROM users
WHERE deleted_at IS NULL
  AND (@email::text IS NULL OR lower(email) = lower(@email))
  AND (@since::timestamptz IS NULL OR created_at >= @since)
  AND (@after::timestamptz IS NULL OR (created_at, id) < (@after, @after_id::uuid))
ORDER BY created_at DESC, id DESC LIMIT @limit::bigint + 1;

-- name: a_to_z :many
SELECT id, email, name, created_at, updated_at FROM users
WHERE deleted_at IS NULL
  AND (@email::text IS NULL OR lower(email) = lower(@email))
  AND (@since::timestamptz IS NULL OR created_at >= @since)
  AND (@after::text IS NULL OR (email, id) > (@after, @after_id::uuid))
ORDER BY email ASC, id ASC LIMIT @limit::bigint + 1;

-- name: z_to_a :many
SELECT id, email, name, created_at, updated_at FROM users
WHERE deleted_at IS NULL
  AND (@email::text IS NULL OR lower(email) = lower(@email))
  AND (@since::timestamptz IS NULL OR created_at >= @since)
  AND (@after::text IS NULL OR (email, id) < (@after, @after_id::uuid))
ORDER BY email DESC, id DESC LIMIT @limit::bigint + 1;

-- name: new_user :one
INSERT INTO users (email, name) VALUES (@email, @name) RETURNING id, email, name, created_at, updated_at;

-- name: changed_user :one
-- What is NULL stays as it is.
UPDATE users SET email = coalesce(@email, email), name = coalesce(@name, name)
WHERE id = @id AND deleted_at IS NULL
RETURNING id, email, name, created_at, updated_at;

-- name: deleted_user :one
UPDATE users SET deleted_at = now() WHERE id = @id AND deleted_at IS NULL RETURNING id;
