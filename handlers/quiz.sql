-- name: quiz_page :many
-- A user's quiz responses, oldest first, a page at a time.
SELECT id, answers, created_at FROM quiz_responses
WHERE user_id = @user_id AND deleted_at IS NULL
  AND (@after::timestamptz IS NULL OR (created_at, id) > (@after, @after_id::uuid))
ORDER BY created_at, id LIMIT @limit::bigint + 1;
