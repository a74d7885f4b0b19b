-- name: new_row :one
INSERT INTO ledger_rows (number) VALUES (@number) RETURNING number;

-- name: row_count :one
SELECT count(*) AS count FROM ledger_rows WHERE number = @number;
