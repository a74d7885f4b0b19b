-- name: greeting_of :one
SELECT 'Hello, ' || @name::text AS greeting, length(@name::text) AS size;
