-- name: jsonb_value :one
SELECT @value::jsonb AS value;

-- name: value_of_each_type :one
SELECT @uuid::uuid AS uuid, @int8::int8 AS int, @float8::float8 AS float, @boolean::bool AS bool,
       @date::date AS date, @datetime::timestamptz AS datetime, @string::text AS string,
       @email::text AS email, @strings::text[] AS strings, @ints::int8[] AS ints;

-- name: made_values :one
SELECT @int8::int8 AS int, @float8::float8 AS float, @boolean::bool AS bool, @json::jsonb AS json, @text::text AS text,
       @nothing::text AS nothing;
