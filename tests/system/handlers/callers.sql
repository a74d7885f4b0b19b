-- name: caller_row :one
SELECT @caller::text AS caller, @admin::bool AS admin,
  nullif(current_setting('request.jwt.claims', true), '')::json->>'scope' AS scope;
