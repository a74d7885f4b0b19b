// The users of make bench for Go: net/http and pgx. BENCH_CONNECTION is persistent or per-request;
// BENCH_SOCKET is where it listens.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"net/mail"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

const (
	columns         = "id, email, name, created_at, updated_at"
	userByID        = "SELECT " + columns + " FROM users WHERE id = $1 AND deleted_at IS NULL"
	insertUser      = "INSERT INTO users (email, name) VALUES ($1, $2) RETURNING " + columns
	uniqueViolation = "23505"
	bodyMaxBytes    = 1 << 20
)

type user struct {
	ID        uuid.UUID `json:"id"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type problem struct {
	Detail string `json:"detail"`
}

// query runs a statement and scans its one row; see pgx4.go and pgx5.go for what it runs on.
type query func(ctx context.Context, sql string, args ...any) (user, error)

func scan(one row) (user, error) {
	var u user
	err := one.Scan(&u.ID, &u.Email, &u.Name, &u.CreatedAt, &u.UpdatedAt)
	return u, err
}

func onPool(url string) query {
	pool, err := openPool(context.Background(), url)
	if err != nil {
		log.Fatal(err)
	}
	return func(ctx context.Context, sql string, args ...any) (user, error) {
		return scan(pool.QueryRow(ctx, sql, args...))
	}
}

func onNewConnection(url string) query {
	return func(ctx context.Context, sql string, args ...any) (user, error) {
		conn, err := connect(ctx, url)
		if err != nil {
			return user{}, err
		}
		defer conn.Close(ctx)
		return scan(conn.QueryRow(ctx, sql, args...))
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}

func replyUser(w http.ResponseWriter, status int, u user, err error) {
	var pgErr *pgError
	switch {
	case err == nil:
		reply(w, status, u)
	case errors.Is(err, errNoRows):
		reply(w, http.StatusNotFound, problem{"User not found"})
	case errors.As(err, &pgErr) && pgErr.Code == uniqueViolation:
		reply(w, http.StatusConflict, problem{"A user with this email exists already"})
	default:
		log.Print(err)
		reply(w, http.StatusServiceUnavailable, problem{"The database is not available"})
	}
}

func showUser(run query) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := uuid.Parse(strings.TrimPrefix(r.URL.Path, "/users/"))
		if err != nil {
			reply(w, http.StatusUnprocessableEntity, problem{"id is no UUID"})
			return
		}
		u, err := run(r.Context(), userByID, id)
		replyUser(w, http.StatusOK, u, err)
	}
}

func createUser(run query) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Email, Name string }
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyMaxBytes)).Decode(&body)
		if err == nil {
			_, err = mail.ParseAddress(body.Email)
		}
		if err != nil || body.Name == "" || utf8.RuneCountInString(body.Name) > 200 {
			reply(w, http.StatusUnprocessableEntity, problem{"email and name are needed"})
			return
		}
		u, err := run(r.Context(), insertUser, body.Email, body.Name)
		replyUser(w, http.StatusCreated, u, err)
	}
}

func only(method string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			reply(w, http.StatusMethodNotAllowed, problem{"Method not allowed"})
			return
		}
		handler(w, r)
	}
}

func main() {
	run := onNewConnection(os.Getenv("DATABASE_URL"))
	if os.Getenv("BENCH_CONNECTION") == "persistent" {
		run = onPool(os.Getenv("DATABASE_URL"))
	}
	http.HandleFunc("/users", only(http.MethodPost, createUser(run)))
	http.HandleFunc("/users/", only(http.MethodGet, showUser(run)))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, map[string]string{"message": "go", "status": "running", "version": "1"})
	})
	listener, err := net.Listen("unix", os.Getenv("BENCH_SOCKET"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, nil))
}
