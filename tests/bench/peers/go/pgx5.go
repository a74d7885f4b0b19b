//go:build pgx5

package main

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

type (
	row     = pgx.Row
	pgError = pgconn.PgError
)

var (
	connect   = pgx.Connect
	openPool  = pgxpool.New
	errNoRows = pgx.ErrNoRows
)
