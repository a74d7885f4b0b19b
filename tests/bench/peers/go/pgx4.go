//go:build !pgx5

package main

import (
	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

type (
	row     = pgx.Row
	pgError = pgconn.PgError
)

var (
	connect   = pgx.Connect
	openPool  = pgxpool.Connect
	errNoRows = pgx.ErrNoRows
)
