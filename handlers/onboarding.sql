-- name: new_user_with_quiz :one
-- One statement, so one round trip: the second INSERT uses the id of the first. The id of the
-- response is made here and not returned by its INSERT: only its user may read the row (row-level
-- security, migration 0005), and nobody is signed in.
WITH new_user AS (
  INSERT INTO users (email, name) VALUES (@email, @name) RETURNING id AS user_id
), ids AS (
  SELECT user_id, gen_random_uuid() AS quiz_id FROM new_user
), new_quiz AS (
  INSERT INTO quiz_responses (id, user_id, answers) SELECT quiz_id, user_id, @answers::jsonb FROM ids
)
SELECT user_id, quiz_id FROM ids;
