-- name: caller_row :one
SELECT @caller::text AS caller, @admin::bool AS admin,
  nullif(current_setting('request.jwt.claims', true), '')::json->>'scope' AS scope;

-- name: claims :one
SELECT current_setting('request.jwt.claims', true)::json AS claims;

-- name: partner_of_key :one
SELECT name AS sub, scopes AS scope, id FROM probe_partners WHERE key = @key;

-- name: part :one
SELECT 10 / @number::bigint AS part;

-- name: new_work :one
INSERT INTO probe_rows (label) VALUES (@label) RETURNING label;

-- name: partner_of_number :one
SELECT name AS sub FROM probe_partners WHERE id = @id; -- a comment
