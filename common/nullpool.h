/* nullpool.h - all that a handler sees.
 *
 * A handler program is a table of routes and one function a route; np_main() does the rest. A
 * function gets the request's context, asks for its arguments (decoded and checked by the route's
 * table), queries the database, sets the reply, and returns true. False means that it failed, with
 * np_fail() or because a call it made failed: every np_ function that returns bool has then said
 * why, and the handler only passes the false on.
 *
 * What is returned by pointer belongs to the request and lives until its reply has left. Text is
 * UTF-8, ends with a NUL and has none inside. One process answers one request at a time: nothing
 * here is thread-safe.
 */
#ifndef NULLPOOL_H
#define NULLPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NP_VERSION         "0.1.0"

#define NP_MUST_CHECK      __attribute__((warn_unused_result))
#define NP_PRINTF(fmt, at) __attribute__((format(printf, fmt, at)))

struct np_ctx;  /* one request */
struct np_rows; /* one result of a query */

/* --- values
 * ------------------------------------------------------------------------------------------- */

enum np_type {
	NP_STRING,   /* min, max: characters (code points) */
	NP_UUID,     /* 8-4-4-4-12 hexadecimal digits, RFC 9562 */
	NP_EMAIL,    /* what an HTML email field accepts, at most 254 bytes (RFC 5321) */
	NP_INT,      /* 64 bits; min, max: smallest and largest */
	NP_FLOAT,    /* finite */
	NP_BOOL,     /* true, false */
	NP_DATE,     /* 2026-01-31: RFC 3339's full-date, a day that there is */
	NP_DATETIME, /* 2026-01-31T23:59:59.5+02:00: RFC 3339's date-time, with its offset */
	NP_ENUM,     /* one of `choices` */
	NP_JSON,     /* any JSON value, for a jsonb; in a body only */
	NP_OBJECT,   /* a JSON object with whatever in it, as NP_JSON */
	NP_CURSOR,   /* a "next" of np_reply_page(); its parts by np_cursor_key() */
	NP_TYPE__MAX,
};
/* Where these are narrower than their RFCs:
 * - A number is JSON's (RFC 8259: no +5, .5, 05 or 0x5), has at most 63 bytes and 4 digits of an
 *   exponent in a body, and is neither too large for a double nor so small that it would be 0. An
 *   integer has 64 bits; in a body 1.0 and 1e2 are integers, as in JSON Schema, in a path, query,
 *   header or form only digits after an optional minus are, and there 05 is 5.
 * - An e-mail address is ASCII, with at most 64 bytes before its @, no quotes, no comments and no
 *   [address]: "a b"@example.com, a@[192.0.2.1] (RFC 5321) and those of RFC 6531 are refused.
 * - A time has its seconds, at most 9 decimals of them, and an offset below 16 hours. Second 60 is
 *   taken at the end of a UTC day, with decimals unless the time itself is 23:59:60, as Postgres
 *   has it.
 * - JSON has no name twice in an object, no \u0000 and no half of a surrogate pair (RFC 7493). */

/* One value, the same from the URL or the body to the SQL parameter. */
struct np_value {
	const char *text; /* as SQL gets it; NULL is SQL's NULL */
	enum np_type type;
	union {
		int64_t integer; /* NP_INT; of NP_ENUM the index in its choices */
		double number;   /* NP_FLOAT */
		bool boolean;    /* NP_BOOL */
	};
	bool is_list; /* of a parameter with `max_items`: the text is an array of such values */
	uint32_t
	    column_type; /* of np_field(): its column's type in pg_type; 0: `type` says it all */
};

/* A list of values: for $1, $2, … of a statement. */
struct np_values {
	const struct np_value *items;
	size_t count;
};
#define NP_VALUES(...)                                                        \
	((struct np_values){ (const struct np_value[]){ __VA_ARGS__ },        \
	                     sizeof((const struct np_value[]){ __VA_ARGS__ }) \
	                         / sizeof(struct np_value) })
#define NP_NO_VALUES ((struct np_values){ NULL, 0 })

/* The text is borrowed, not copied; NULL is SQL's NULL. */
static inline struct np_value
np_text(const char *text)
{
	return (struct np_value){ .text = text, .type = NP_STRING };
}

static inline struct np_value
np_bool(bool boolean)
{
	return (struct np_value){ .text = boolean ? "true" : "false",
		                  .type = NP_BOOL,
		                  .boolean = boolean };
}

struct np_value np_int(struct np_ctx *ctx, int64_t integer);

/* --- the table of a program
 * --------------------------------------------------------------------------- */

enum np_place { NP_PATH = 1, NP_QUERY, NP_HEADER, NP_BODY };

/* One parameter of a route. In a body it is a member of the JSON object; with dots in its name, of
 * an object in it: "user.email" is {"user": {"email": …}}. The name of a header is in lower case.
 */
struct np_param {
	const char *name;
	enum np_place in;
	enum np_type type;
	bool required; /* parameters of the path always are */
	bool nullable; /* a body's null is accepted, and is SQL's NULL */
	int64_t min,
	    max; /* see enum np_type; both 0: no bound; min above 0 and max 0: no upper one */
	const char *const
	    *choices; /* of NP_ENUM: what it may be, ending with NULL; see NP_CHOICES */
	/* Of NP_STRING with a max (10,000 at most): a POSIX extended regular expression that all of
	 * the value matches, byte by byte. It has no back-reference, 1,000 bytes at most, and 1,000
	 * parts with its repetitions written out (a+ is two). An ordinary one takes 20 nanoseconds
	 * a byte; one that has to remember where it may have begun, such as (a|b)*a(a|b){12}, may
	 * take 0.1 ms and 3 KB a byte: choose a small max for it. The OpenAPI document has it if
	 * JavaScript reads it in the same way, which knows no [[:alpha:]]. */
	const char *pattern;
	int64_t max_items; /* above 0: a list of at most so many values, an array of a body or
	                    * repeated in a query; SQL gets it as an array, such as $1::uuid[]. min
	                    * and max are each value's */
	const char *default_value; /* text used when the parameter is absent */
	bool optional; /* of a schema's member: an answer may be without it, or without the
	                * outermost object that it is in */
	const char *description; /* for people, in the OpenAPI document */
	const char *example;     /* of a list and of what JSON writes without quotes: as JSON */
};
/* A list's usual two: how many, and where the page before ended. */
#define NP_PAGE_LIMIT \
	.name = "limit", .in = NP_QUERY, .type = NP_INT, .min = 1, .max = 100, .default_value = "20"
#define NP_PAGE_AFTER \
	.name = "after", .in = NP_QUERY, .type = NP_CURSOR, .description = "\"next\" of a page"
#define NP_CHOICES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NP_PARAMS_END        \
	{                    \
		.name = NULL \
	}

enum np_success { NP_OK = 200, NP_CREATED = 201, NP_ACCEPTED = 202, NP_NO_CONTENT = 204 };

/* What an answer has in it, for the OpenAPI document: members with name, type, nullable, optional,
 * description, example. With dots in its name a member is in an object, as a parameter of a body
 * is. One name is one schema in all programs. */
struct np_schema {
	const char *name;               /* letters, such as "User" */
	const struct np_param *members; /* ends with NP_PARAMS_END */
};

/* Which transaction a route's queries run in. It begins with the first query; a handler without one
 * opens no connection. The reply leaves only after the server has confirmed the commit. */
enum np_tx {
	NP_TX_NONE,   /* no database: a query is a fault of the handler */
	NP_TX_READ,   /* read only, one snapshot a query */
	NP_TX_WRITE,  /* commits when the handler returns true, rolls back when it returns false */
	NP_TX_MANUAL, /* commits only where the handler calls np_commit() */
};

/* Postgres' isolation levels. The stricter two make one transaction of all the queries of a route,
 * with a BEGIN of its own: a read then needs a round trip more for its end, unless its last query
 * is marked by np_last(). */
enum np_isolation {
	NP_READ_COMMITTED, /* each query sees what is committed when it begins */
	NP_REPEATABLE_READ,
	NP_SERIALIZABLE,
	NP_ISOLATION__MAX,
};

/* Who may ask. NP_AUTH_USER: whoever has an access token that is good now (Authorization: Bearer
 * …); others get a 401. The database is told in each transaction:
 * current_setting('request.jwt.claims')::json->>'sub' is np_caller(). In the same round trip the
 * SQL function request_session_check(user uuid, session uuid) of migration 0009 looks whether the
 * session is live, and the first query fails with NP_UNAUTHORIZED if it has ended or its user is
 * gone. A handler without a query does not look. On a replica that lags, a session that ended a
 * moment ago may still be live. */
enum np_auth { NP_AUTH_NONE, NP_AUTH_USER };

/* What an answer that is no success has in it. NP_ERRORS_OAUTH2 is a token endpoint's
 * {"error": …, "error_description": …} (RFC 6749 5.2): a fault of the request is 400
 * invalid_request, or unsupported_grant_type if "grant_type" is none of its choices;
 * NP_UNAUTHORIZED is 400 invalid_grant. */
enum np_errors { NP_ERRORS_PROBLEM, NP_ERRORS_OAUTH2 };

typedef bool np_handler(struct np_ctx *ctx);

/* What a client is told when the constraint (or unique index) of that name refuses a row: a 409's
 * detail in place of `conflict`, or that of the 422 of a check. */
struct np_conflict {
	const char *constraint; /* NULL ends them */
	const char *detail;
};
#define NP_CONFLICTS(...) ((const struct np_conflict[]){ __VA_ARGS__, { NULL, NULL } })

/* A handler of NP_TX_READ or NP_TX_WRITE may be called again, up to 3 times, after a serialization
 * failure or a deadlock: nothing of what it did has left the process. With an Idempotency-Key also
 * after a commit whose outcome is not known, until the deadline, and to make an answer again from
 * the rows kept. `no_rerun` says that it must not be, because of effects of its own: a repeat with
 * the same key runs it up to its first query at most, and np_last() spares no round trip there. */
struct np_route {
	const char *method; /* "GET" answers HEAD as well; OPTIONS is answered from the table */
	const char *path; /* "/notes/{id}": a name in braces is one segment, an NP_PATH parameter */
	np_handler *handle;
	enum np_tx tx;
	const struct np_param *params; /* ends with NP_PARAMS_END; NULL: none */
	const char *summary;           /* one line for the OpenAPI document */
	const char *not_found;         /* the 404's detail when np_query_one() found no row */
	const char *conflict; /* the 409's detail when a unique or foreign key refused a row */
	const struct np_conflict
	    *conflicts; /* details by the constraint's name, see NP_CONFLICTS; NULL: none */
	const char
	    *unauthorized; /* the document's 401 where NP_UNAUTHORIZED is said; 400 of OAUTH2 */
	enum np_isolation isolation; /* for NP_TX_READ, NP_TX_WRITE and NP_TX_MANUAL */
	bool no_rerun;
	const struct np_schema
	    *returns; /* what a success has in it; with `page`, each item of np_reply_page() */
	bool page;
	enum np_success success; /* 0: 201 of a POST that writes, 204 of a DELETE, 200 of others */
	enum np_auth auth;
	/* The answer is how something is at this moment: nobody may store it, and a 503 may be one
	 * too. */
	bool no_store;
	enum np_errors errors;
	bool form; /* a body may also be application/x-www-form-urlencoded */
	/* Names in the query and the body that no parameter has are ignored; without it they are
	 * 422. An empty field of a form is absent. For probes that add ?ts=1, and where a standard
	 * wants it (RFC 6749 3.2). */
	bool lenient;
	/* The operationId in the OpenAPI document; NULL: made of method and path, such as listUsers
	 * of a page at GET /users, getUser of GET /users/{id}, createUser of POST /users. */
	const char *operation;
	/* Answers of an NP_TX_READ route are kept in Redis under this key, where there is one:
	 * "user:{id}", with parameters of the route in braces, of types in which one value is one
	 * text (not NP_FLOAT, NP_EMAIL, NP_DATETIME, JSON, lists). What differs between answers has
	 * to be in it; a route with .auth takes none. An answer with a response header other than
	 * Cache-Control, Content-Disposition, Content-Language, Deprecation, ETag, Expires,
	 * Last-Modified, Link, Sunset, Vary and X-Total-Count is not kept. Needs SECRET_KEY, which
	 * what is kept is authenticated with. */
	const char *cache;
	int64_t cache_s; /* for so long at most; 0: CACHE_TTL */
	/* The keys of this program's answers that an NP_TX_WRITE route makes wrong, 15 at most;
	 * ends with NULL, see NP_KEYS. */
	const char *const *invalidates;
	/* A request must have If-Match (or `If-None-Match: *`), else it is 428: nobody overwrites
	 * what they have not seen. For a path with a GET. */
	bool precondition;
};
/* Preconditions (RFC 9110 13). A request with If-Match or If-None-Match whose method is not GET is
 * done only if the header holds for the ETag that a GET of the same path, without a query, has now.
 * Otherwise the answer is 412 and nothing is done. If-Match compares strongly, so a weak tag (W/)
 * never matches. A GET that is a 404 fails If-Match and passes If-None-Match.
 *
 * The GET's handler runs first, in the write's transaction, which is NP_REPEATABLE_READ at least:
 * if a row changes in between, both run again (with `no_rerun` and in NP_TX_MANUAL the answer is
 * 409). In NP_TX_MANUAL this holds for the first transaction. If the GET shows rows that the write
 * does not touch, only NP_SERIALIZABLE notices that they changed. The look costs one round trip; a
 * request without the headers costs nothing more.
 *
 * The answer is also 412 if the header is malformed, and if nothing can be compared: the path has
 * no GET; the GET needs a query or a header that is missing; it has .auth and the write has not; it
 * is a .no_store; it is neither NP_TX_READ nor NP_TX_NONE; or it is NP_TX_READ and the write is
 * NP_TX_NONE. */
#define NP_ROUTES_END          \
	{                      \
		.method = NULL \
	}

/* Runs a program as whatever started it wants it: FastCGI, CGI, command line. Returns the exit
 * code. */
int np_main(int argc, char **argv, const char *name, const struct np_route *routes);

/* --- the request
 * -------------------------------------------------------------------------------------- */

/* The argument of the route's parameter with that index. Absent without a default value: SQL's
 * NULL. */
struct np_value np_arg(const struct np_ctx *ctx, size_t param);

/* Whether the request named the parameter itself (a null counts, a default value does not). */
bool np_given(const struct np_ctx *ctx, size_t param);

/* Part `key` (from 0) of an NP_CURSOR argument, as np_reply_page() put it in; NULL when there is
 * none. One of a page with other arguments (but for `limit`) was refused. */
struct np_value np_cursor_key(const struct np_ctx *ctx, size_t param, size_t key);

const char *np_app_name(const struct np_ctx *ctx);

/* --- who is asking
 * ------------------------------------------------------------------------------------ */

/* The user of the token, and the session (a sign-in, and what came of it) that it names; NULL in a
 * route without .auth. */
struct np_value np_caller(const struct np_ctx *ctx);
struct np_value np_caller_session(const struct np_ctx *ctx);

/* Fails with NP_FORBIDDEN when the caller is not that user. */
NP_MUST_CHECK bool np_is_caller(struct np_ctx *ctx, struct np_value user);

/* Argon2id; takes 20 ms or so on purpose. Without a hash (NULL) it takes that time too, and is
 * false. */
struct np_value np_password_hash(struct np_ctx *ctx, struct np_value password);
bool np_password_verify(struct np_value hash, struct np_value password);

/* Signed with SECRET_KEY, for np_access_token_s() seconds, or until the session ends. Both are
 * UUIDs. */
struct np_value np_access_token(struct np_ctx *ctx, struct np_value user, struct np_value session);
int64_t np_access_token_s(const struct np_ctx *ctx);

/* Where the request comes from, as one client is counted: an IPv4 address, the /64 of an IPv6 one
 * ("2001:db8:0:1::/64"); NULL if nobody said, as from a shell. Behind a proxy it is the proxy's
 * unless nginx trusts that (nullpool-site.conf). */
struct np_value np_client_network(struct np_ctx *ctx);

/* What to keep of a text that is nobody's to read: equal for equal texts of one purpose, and of no
 * use without SECRET_KEY, which the program has to have (a route with .auth requires it). */
struct np_value np_keyed_hash(struct np_ctx *ctx, const char *purpose, struct np_value text);

/* 32 random bytes, and what to keep of them: who reads the table cannot use it. */
struct np_value np_random_token(struct np_ctx *ctx);
struct np_value np_token_hash(struct np_ctx *ctx, struct np_value token);

/* --- the database
 * ------------------------------------------------------------------------------------- */

/* What a statement's error is to the client:
 *
 * - A constraint refuses a row: 409 (unique, foreign key, exclusion), 422 (check, not null).
 * - A value that its type does not take, or that is too large: 422. Where the statement got no
 *   values, or the request named no parameter: 500.
 * - Row-level security refuses, or a right is missing: 403; 401 without a caller.
 * - Another transaction is in the way, and running the handler again did not help: 409.
 * - RAISE EXCEPTION 'words': 422 with these words as its detail.
 * - RAISE ... USING ERRCODE = 'PT404': that status with these words, from PT400 to PT499.
 * - The server is away, full or slow: 503, 504.
 * - All others: 500, and only the log says why.
 *
 * Words of RAISE are for people outside: nothing secret belongs there. Its DETAIL stays inside. Its
 * HINT, if it is a whole number, is the Retry-After in seconds. */

/* Runs one statement. After one that failed, all others fail with the same error, and the
 * transaction cannot be committed any more (NP_TX_MANUAL: until np_rollback()). `sql` is a
 * constant, never built from input; values travel beside it as $1, $2, … np_query_one() fails with
 * NP_NOT_FOUND when there is no row, and with NP_INTERNAL when there are several. */
NP_MUST_CHECK bool np_query(struct np_ctx *ctx, struct np_rows **rows, const char *sql,
                            struct np_values values);
NP_MUST_CHECK bool np_query_one(struct np_ctx *ctx, struct np_rows **row, const char *sql,
                                struct np_values values);

/* Tells the log the next statement's name, which has to live as long as the request. Returns ctx.
 * np_query() and np_query_one() do so by themselves: the name is that of the constant, such as
 * user_by_id; a literal has none. */
struct np_ctx *np_statement(struct np_ctx *ctx, const char *name);
#define np_query(ctx, rows, sql, ...) np_query(np_statement(ctx, #sql), rows, sql, __VA_ARGS__)
#define np_query_one(ctx, row, sql, ...) \
	np_query_one(np_statement(ctx, #sql), row, sql, __VA_ARGS__)

/* Marks the next statement of an NP_TX_WRITE route (or of a read with an isolation level) as the
 * transaction's last: the commit travels with it, which spares a round trip. Mark it where nothing
 * that comes after can fail for a reason of the request: what follows may run when the statement is
 * committed already. A further statement is a fault of the handler. With an Idempotency-Key what
 * the statements returned is kept, and a repeat runs the handler on that: so the reply of such a
 * route follows from its arguments and its rows alone (np_random_token() and np_access_token()
 * before the mark are seen, and take it away). The statement is a SELECT, or has RETURNING; with
 * others, and without a mark, the reply itself is kept, by a round trip with the commit. Returns
 * ctx: np_query_one(np_last(ctx), &row, …) */
struct np_ctx *np_last(struct np_ctx *ctx);

/* For NP_TX_MANUAL. The next query begins a new transaction; what is open when the handler ends
 * rolls back. */
NP_MUST_CHECK bool np_commit(struct np_ctx *ctx);
NP_MUST_CHECK bool np_rollback(struct np_ctx *ctx);

size_t np_rows_count(const struct np_rows *rows);

/* One field, as text that SQL takes back unchanged; np_reply_object() writes it as np_reply_row()
 * does. One that is not there is SQL's NULL, and the request fails with NP_INTERNAL when the
 * handler returns, whatever that returns: the log names the column and the route. np_arg() and the
 * like do the same; after any of it no statement is sent any more. */
struct np_value np_field(const struct np_rows *rows, size_t row, const char *column);

/* --- the reply
 * ---------------------------------------------------------------------------------------- */

/* The first row as an object: {"column": value, …}, each value by its column's type; a numeric of
 * more digits than a double has is a string, so that none is lost. A timestamptz is in UTC,
 * whatever the role's TimeZone is. An int8 is a number with all its digits: JavaScript and others
 * round it above 2^53. Where that may matter ask for a string, `SELECT id::text AS id`, and declare
 * it as an NP_STRING in the schema. An array is an array, also of a type of the database's own:
 * what such a type is costs each worker one round trip, once. A composite and a range are strings.
 */
NP_MUST_CHECK bool np_reply_row(struct np_ctx *ctx, enum np_success status,
                                const struct np_rows *row);

/* A keyset page: {"items": [row, …], "next": cursor or null}. Query for limit + 1 rows, so that it
 * can tell whether there are more; `keys` are the columns the query is ordered by (at most 4),
 * ending with NULL. In the page's last row they must not be null, nor longer than some 1,400 bytes
 * together: else it fails. */
NP_MUST_CHECK bool np_reply_page(struct np_ctx *ctx, const struct np_rows *rows, int64_t limit,
                                 const char *const *keys);
#define NP_KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* An object of a few members, each written by its type: an argument's (a list too), or a field's
 * column's. A nested one is not for here, let Postgres build it. */
struct np_member {
	const char *name;
	struct np_value value;
};
NP_MUST_CHECK bool np_reply_object(struct np_ctx *ctx, enum np_success status,
                                   const struct np_member *members, size_t count);
#define NP_MEMBERS(...)                            \
	(const struct np_member[]){ __VA_ARGS__ }, \
	    sizeof((const struct np_member[]){ __VA_ARGS__ }) / sizeof(struct np_member)

NP_MUST_CHECK bool np_reply_empty(struct np_ctx *ctx);

/* Adds a response header. A control byte in its value is refused (NP_INTERNAL): it would be a
 * second header. */
NP_MUST_CHECK bool np_header(struct np_ctx *ctx, const char *name, const char *format, ...)
    NP_PRINTF(3, 4);

/* --- failure
 * ------------------------------------------------------------------------------------------ */

enum np_failure {
	NP_MALFORMED = 1, /* 400: JSON, encoding, framing */
	NP_UNAUTHORIZED,  /* 401, with WWW-Authenticate */
	NP_FORBIDDEN,     /* 403 */
	NP_NOT_FOUND,     /* 404 */
	NP_METHOD,        /* 405, with Allow */
	NP_CONFLICT,      /* 409: a unique or foreign key, retries used up */
	NP_TOO_LARGE,     /* 413 */
	NP_MEDIA_TYPE,    /* 415 */
	NP_INVALID,       /* 422: a value breaks a rule */
	NP_TOO_MANY,      /* 429 with Retry-After: too many tries */
	NP_INTERNAL,      /* 500: our fault; the client sees nothing but the request id */
	NP_UNAVAILABLE,   /* 503 with Retry-After: the database is away, full or waking */
	NP_TIMEOUT,       /* 504: the deadline passed */
	NP_AMBIGUOUS,     /* 503, "outcome": "unknown": the connection was lost after the commit was
	                     sent */
	NP_CLIENT_GONE, /* 499: the client has left; nobody reads the answer, only the log tells */
	NP_PRECONDITION_FAILED,   /* 412: If-Match or If-None-Match; nothing was done */
	NP_PRECONDITION_REQUIRED, /* 428: the route's .precondition */
	NP_FAILURE__MAX,
};

/* Says what went wrong, in words for the client (not for NP_INTERNAL: those go to the log). Returns
 * false. */
bool np_fail(struct np_ctx *ctx, enum np_failure kind, const char *format, ...) NP_PRINTF(3, 4);

/* When the client may come again, for the Retry-After of the failure that follows (NP_TOO_MANY,
 * NP_UNAVAILABLE). Returns ctx:
 *     np_fail(np_retry_after(ctx, 30), NP_TOO_MANY, …) */
struct np_ctx *np_retry_after(struct np_ctx *ctx, int64_t seconds);

/* --- ready-made handlers
 * ------------------------------------------------------------------------------ */

np_handler np_health;  /* database and Redis, asked now: NP_TX_READ; these are each a .no_store */
np_handler np_metrics; /* counters of the run directory's endpoints, for Prometheus: NP_TX_NONE */
np_handler np_health_live;  /* the process answers; touches nothing: NP_TX_NONE */
np_handler np_health_ready; /* settings are good and the worker is not draining; dials nothing:
                               NP_TX_NONE */

#endif
