-- name: new_user_with_password :one
WITH new_user AS (
  INSERT INTO users (email, name) VALUES (@email, @name)
  RETURNING id, email, name, created_at, updated_at
), new_credentials AS (
  INSERT INTO credentials (user_id, password_hash) SELECT id, @password_hash FROM new_user
)
SELECT id, email, name, created_at, updated_at FROM new_user;

-- password_by_email and password_by_user count an attempt (migration 0010) and find the password
-- that it is checked against; they always return one row. The count is committed before the check,
-- so attempts made at the same time see each other, and one that fails stays counted.

-- name: password_by_email :one
SELECT attempt.wait_s, c.user_id, c.password_hash
FROM sign_in_attempt(@account, @network) AS attempt (wait_s)
LEFT JOIN (users u JOIN credentials c ON c.user_id = u.id)
  ON lower(u.email) = lower(@email) AND u.deleted_at IS NULL;

-- name: password_by_user :one
SELECT attempt.wait_s, c.user_id, c.password_hash
FROM sign_in_attempt(@account, @network) AS attempt (wait_s)
LEFT JOIN credentials c ON c.user_id = @user_id;

-- Each new token deletes up to 3 old ones, of any user, so that there are never many more rows than
-- valid tokens. A row with revoked_at stays for as long as a token made from it may be valid. A
-- refresh token lives for 30 days.

-- name: new_session :many
-- Begins a session, unless the password was changed while it was checked. FOR SHARE waits for
-- whoever is changing it.
WITH expired AS (
  DELETE FROM refresh_tokens t USING (
    SELECT token_hash FROM refresh_tokens WHERE expires_at < now() - interval '30 days'
    ORDER BY expires_at LIMIT 3 FOR UPDATE SKIP LOCKED
  ) old WHERE t.token_hash = old.token_hash
), known AS (
  SELECT user_id FROM credentials
  WHERE user_id = @user_id AND password_hash = @password_hash FOR SHARE
)
INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)
SELECT @token_hash, gen_random_uuid(), user_id, now() + interval '30 days' FROM known
RETURNING user_id, family, (SELECT u.scopes FROM users u WHERE u.id = user_id) AS scopes,
  sign_in_success(@account, @network);

-- name: next_token :many
-- Uses up a refresh token and makes the next one. Postgres reads t.revoked_at again after it has
-- waited for the row. The other rows of the family are read as well: they show the end of a session
-- that was ending while this token was made, and so did not reach it.
WITH used AS (
  UPDATE refresh_tokens t SET used_at = now() FROM users u
  WHERE t.token_hash = @token_hash AND t.used_at IS NULL AND t.revoked_at IS NULL
    AND t.expires_at > now() AND u.id = t.user_id AND u.deleted_at IS NULL
    AND NOT EXISTS (
      SELECT FROM refresh_tokens f WHERE f.family = t.family AND f.revoked_at IS NOT NULL)
  RETURNING t.family, t.user_id, u.scopes
), expired AS (
  DELETE FROM refresh_tokens t USING (
    SELECT token_hash FROM refresh_tokens WHERE expires_at < now() - interval '30 days'
    ORDER BY expires_at LIMIT 3 FOR UPDATE SKIP LOCKED
  ) old WHERE t.token_hash = old.token_hash
), following AS (
  INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)
  SELECT @next_hash, family, user_id, now() + interval '30 days' FROM used
)
SELECT user_id, family, scopes FROM used;

-- name: end_session_of_used_token :exec
-- Ends the session of a token that is used a second time. It is a statement of its own, after
-- next_token, since it must see a use that was committed a moment ago.
UPDATE refresh_tokens SET revoked_at = now() WHERE revoked_at IS NULL AND family =
  (SELECT family FROM refresh_tokens WHERE token_hash = @token_hash AND used_at IS NOT NULL);

-- One revoked token ends its family, including a token that is made at the same time.

-- name: end_session :exec
UPDATE refresh_tokens SET revoked_at = now() WHERE family = @session AND revoked_at IS NULL;

-- name: end_sessions :exec
UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = @user_id AND revoked_at IS NULL;

-- name: end_other_sessions :exec
UPDATE refresh_tokens SET revoked_at = now()
WHERE user_id = @user_id AND family <> @session AND revoked_at IS NULL;

-- name: changed_password :many
UPDATE credentials SET password_hash = @new_hash
WHERE user_id = @user_id AND password_hash = @old_hash
RETURNING user_id, sign_in_success(@account, @network);
