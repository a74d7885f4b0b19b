-- name: order_lines :one
SELECT jsonb_agg(to_jsonb(line)) AS lines
FROM jsonb_to_recordset(@items::jsonb) AS line(sku text, quantity int, price float8, at timestamptz, size jsonb, tags jsonb, gift jsonb);

-- name: delivery :one
SELECT @address::jsonb AS address, @address::jsonb->>'city' AS city;

-- name: kept_bytes :one
INSERT INTO probe_rows (label) VALUES (gen_random_uuid()::text) RETURNING md5(@content::bytea) AS md5, length(@content::bytea) AS size;

-- name: kept_json :one
INSERT INTO probe_rows (label) VALUES (gen_random_uuid()::text) RETURNING @value::jsonb AS value;

-- name: age :one
SELECT (@value::jsonb->>'age')::int AS age;

-- name: two_contents :one
SELECT md5(@one::bytea) AS one, md5(@other::bytea) AS other;
