/* nullpool.h - everything that a handler program uses
 *
 * A handler program is a table of routes with one function for each route. np_main() does the rest:
 * it receives requests, finds the route, decodes and checks the input, calls the function inside a
 * transaction, and sends the reply or the error.
 *
 * What happens to a request:
 *
 * 1. The input is checked against the route's table. Invalid input is answered here.
 * 2. The handler reads its arguments with np_arg() and queries the database with np_query(). Its
 *    first query opens the connection and begins the transaction.
 * 3. The handler sets the reply with one of the np_reply_ functions and returns true.
 * 4. The transaction commits. The reply is sent only after the server has confirmed the commit.
 *
 * A handler that fails returns false; the transaction rolls back, and the client gets the error. It
 * fails by calling np_fail(), or because a function marked NP_MUST_CHECK returned false. Such a
 * function has already recorded the error, so the handler only passes the false on.
 *
 * What is returned, by pointer or as a value, belongs to the request and is freed after the reply
 * has left. What is passed is used during the call only; a value borrows the text that it was made
 * of. Text is UTF-8, ends with a NUL and contains no other NUL. A process handles one request at a
 * time: nothing here is thread-safe.
 *
 * A misuse is a call that no request can make right, such as np_field() of a column that the
 * statement does not return. It returns a value that is SQL's NULL, no further statement is sent,
 * and the request fails with NP_ERROR_INTERNAL, whatever the handler returns. The log says what was
 * misused, and in which route.
 *
 * A round trip is one message to the database and its answer. A request costs those that its calls
 * name below. An NP_TX_WRITE route that made a query costs one more for its commit, unless
 * np_answer() or np_query_last() sends it along. In production, opening the connection of a request
 * costs six more. A function that names no round trip makes none, and one that names no error fails
 * by misuse alone.
 *
 * A POST of an NP_TX_WRITE route takes an Idempotency-Key, which makes it safe to repeat: the
 * answer is stored in the same transaction as the work, and a repeat within 24 hours gets it again.
 * It needs the tables of migrations 0004 and 0007. A handler that makes no query stores nothing.
 * NP_TX_MANUAL routes answer 422 to a key. A GET has an ETag of its content, unless the handler
 * sets one or a Cache-Control, or streams more than fits into its first part, and answers
 * If-None-Match with a 304.
 *
 * Programs are written in C. C++ may include this header, but its tables and statements are C.
 */
#ifndef NULLPOOL_H
#define NULLPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NP_VERSION        "0.1.0"
#define NP_VERSION_NUMBER 100 /* 10000 * major + 100 * minor + patch */
#define NP_SQL_FORMAT     1   /* of the headers that nullpool-sql makes */

/* Returns NP_VERSION of the library, as text. */
const char *np_version(void);

#define NP_MUST_CHECK      __attribute__((warn_unused_result))
#define NP_PRINTF(fmt, at) __attribute__((format(printf, fmt, at)))

/* Each member of such a struct is set by its name. clang does not know the attribute. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__cplusplus)
#define NP_DESIGNATED __attribute__((designated_init))
#else
#define NP_DESIGNATED
#endif

struct np_ctx;  /* one request */
struct np_rows; /* the result of one query */

/* --- values --- */

enum np_type {
	NP_TYPE_STRING = 1, /* text; min and max count characters (code points) */
	NP_TYPE_UUID,       /* 8-4-4-4-12 hexadecimal digits, RFC 9562 */
	NP_TYPE_EMAIL,      /* what an HTML email field accepts, of at most 254 bytes (RFC 5321) */
	NP_TYPE_INT,        /* 64 bits; min and max are the smallest and the largest */
	NP_TYPE_FLOAT,      /* finite */
	NP_TYPE_BOOL,       /* true, false */
	NP_TYPE_DATE,       /* 2026-01-31: RFC 3339's full-date, a day that exists */
	NP_TYPE_DATETIME,   /* 2026-01-31T23:59:59.5+02:00: RFC 3339's date-time, with its offset */
	NP_TYPE_ENUM,       /* one of `choices` */
	NP_TYPE_JSON,       /* any JSON value, for a jsonb; in a body only */
	NP_TYPE_OBJECT,     /* a JSON object with any members, for a jsonb; in a body only */
	NP_TYPE_CURSOR,     /* the "next" of a page; np_cursor_key() returns its parts */
	NP_TYPE_FILE,       /* a part of multipart/form-data with its bytes, for a bytea */
};
/* Where these are narrower than their RFCs:
 *
 * - A number is written as in JSON (RFC 8259: no +5, .5, 05 or 0x5). It must not be too large for a
 *   double, nor so small that it would become 0. In a body it has at most 63 bytes, and at most 4
 *   digits in its exponent. An integer has 64 bits. In a body, 1.0 and 1e2 are integers, as in JSON
 *   Schema. In a path, query, header or form an integer is only digits after an optional minus;
 *   there, 05 is 5.
 * - An e-mail address is ASCII, with at most 64 bytes before its @. It has no quotes, no comments
 *   and no address literal: "a b"@example.com and a@[192.0.2.1] (RFC 5321) are refused, and so are
 *   the addresses of RFC 6531.
 * - A time has seconds, with at most 9 decimals, and an offset below 16 hours. Second 60 is
 *   accepted at the end of a UTC day; it may have decimals unless the time itself reads 23:59:60,
 *   as in Postgres.
 * - JSON has no name twice in an object, no \u0000, and no unpaired surrogate (RFC 7493). */

/* One value, in the same form from the URL, the body or a row to the SQL parameter or the reply.
 * One that is zeroed is SQL's NULL. */
struct np_value {
	/* As SQL gets it. NULL: SQL's NULL, or a number of np_int() or np_float(), whose text
	 * np_text_of() makes. What np_arg() and np_field() return has its text. */
	const char *text;
	union {
		int64_t integer; /* of NP_TYPE_INT; of NP_TYPE_ENUM, the index in its choices */
		double number;   /* of NP_TYPE_FLOAT */
		bool boolean;    /* of NP_TYPE_BOOL */
	};
	enum np_type type;
	/* Of np_field(): the type of the column, as its OID in pg_type. 0: `type` is enough. */
	uint32_t column_type;
	bool present; /* false: SQL's NULL */
	bool is_list; /* `text` is an array of SQL, such as {1,2}, of values of `type` */
};

/* Make a value. Text is borrowed and not copied; NULL is SQL's NULL. The text of np_json() is JSON:
 * np_json("null") is JSON's null, and np_json(NULL) is SQL's. A number of np_float() that is not
 * finite is null in a reply. */
static inline struct np_value
np_null(void)
{
	struct np_value value = { NULL, { 0 }, NP_TYPE_STRING, 0, false, false };

	return value;
}

static inline struct np_value
np_text(const char *text)
{
	struct np_value value = { text, { 0 }, NP_TYPE_STRING, 0, text != NULL, false };

	return value;
}

static inline struct np_value
np_json(const char *json)
{
	struct np_value value = { json, { 0 }, NP_TYPE_JSON, 0, json != NULL, false };

	return value;
}

static inline struct np_value
np_int(int64_t integer)
{
	struct np_value value = { NULL, { integer }, NP_TYPE_INT, 0, true, false };

	return value;
}

static inline struct np_value
np_float(double number)
{
	struct np_value value = { NULL, { 0 }, NP_TYPE_FLOAT, 0, true, false };

	value.number = number;
	return value;
}

static inline struct np_value
np_bool(bool boolean)
{
	struct np_value value = { boolean ? "true" : "false", { 0 }, NP_TYPE_BOOL, 0, true, false };

	value.boolean = boolean;
	return value;
}

static inline bool
np_is_null(struct np_value value)
{
	return !value.present;
}

/* Returns the text of any value, as SQL gets it; NULL for SQL's NULL. A float's text has the fewest
 * of 15, 16 or 17 digits that give the same number again. */
const char *np_text_of(struct np_ctx *ctx, struct np_value value);

/* --- collections --- */

/* A list in a table or in a call is a pointer to its items and their number, made by its macro:
 *
 *     NP_PARAMS(&id, &title)      parameters of a route, members of a schema
 *     NP_NAMES("red", "blue")     choices, columns, keys
 *     NP_CONFLICTS({ "notes_title_key", "There is a note of this title" })
 *     NP_OBJECT({ "id", id }, { "title", title })
 *     NP_PARTS(np_bytes_of("v0:"), np_body(ctx))      pieces of one text
 *
 * NULL is an empty list. A list that is made inside a function lives until the end of its block. */
#define NP_LIST(list, item, ...)                              \
	(&(const struct list){ (const item[]){ __VA_ARGS__ }, \
	                       sizeof((const item[]){ __VA_ARGS__ }) / sizeof(item) })

struct np_names {
	const char *const *items;
	size_t count;
};
/* Bytes are not text: they may have NULs in them, and need none at their end. Those of np_body()
 * have one there all the same. */
struct np_bytes {
	const void *bytes;
	size_t size;
};
struct np_parts {
	const struct np_bytes *items;
	size_t count;
};
#define NP_PARTS(...) NP_LIST(np_parts, struct np_bytes, __VA_ARGS__)
#define NP_NAMES(...) NP_LIST(np_names, char *const, __VA_ARGS__)

/* --- routes --- */

enum np_in { NP_IN_PATH = 1, NP_IN_QUERY, NP_IN_HEADER, NP_IN_BODY, NP_IN_COOKIE };

struct np_params;

/* One parameter of a route, or one member of a schema; the same object may be either, of several
 * routes and schemas:
 *
 *     static const struct np_param title = { .name = "title", .in = NP_IN_BODY,
 *                                            .type = NP_TYPE_STRING, .max = 200 };
 *
 * In a body it is a member of the JSON object; dots in its name lead into inner objects:
 * "user.email" is {"user": {"email": …}}. The name of a header is in lower case.
 *
 * An NP_TYPE_OBJECT may have a table of its own, and with .max_items it is a list of such objects:
 *
 *     static const struct np_param items = { .name = "items", .in = NP_IN_BODY, .max_items = 100,
 *                                            .type = NP_TYPE_OBJECT, .required = true,
 *                                            .members = NP_PARAMS(&sku, &quantity) };
 *
 * Its value is one jsonb, for jsonb_to_recordset(): only the members of the table, in its order and
 * as SQL reads them, with their default values; members that are absent are left out. What is wrong
 * is named by its place: "items[3].sku". */
struct np_param {
	const char *name;
	enum np_in in;
	enum np_type type;
	bool required; /* a parameter of the path always is */
	bool nullable; /* null is accepted in a body, and is SQL's NULL (JSON's without it) */
	/* See enum np_type; of an NP_TYPE_FILE, its bytes. Both are 0: no bounds. min is above 0
	 * and max is 0: no upper bound. With a max alone, a number is at least 0. */
	int64_t min, max;
	/* The values of an NP_TYPE_ENUM; the media types of an NP_TYPE_FILE, of which "image/" at
	 * the end stands for all that begin so (NULL: any). */
	const struct np_names *choices;
	const struct np_params *members; /* of an NP_TYPE_OBJECT; their names have no dots */
	/* A POSIX extended regular expression that the whole value of an NP_TYPE_STRING must match,
	 * byte by byte. The parameter needs a max, of 10,000 or less. The expression has at most
	 * 1,000 bytes, at most 1,000 parts once its repetitions are written out (a+ is two), and no
	 * back-reference. Most take 20 nanoseconds a byte. One that has to remember where a match
	 * may have begun, such as (a|b)*a(a|b){12}, may take 0.1 ms and 3 KB a byte: choose a small
	 * max for it. The OpenAPI document shows the expression if JavaScript, which does not know
	 * [[:alpha:]], reads it in the same way. */
	const char *pattern;
	/* Above 0: the parameter is a list of at most this many values, an array in a body or a
	 * name that the query repeats. SQL gets it as an array, such as $1::uuid[]. min and max
	 * apply to each value. */
	int64_t max_items;
	const char *default_value; /* the text to use if the parameter is absent */
	/* For a member of a schema: a response may lack it, or the outermost object around it. */
	bool optional;
	const char *description; /* for the OpenAPI document */
	const char *example;     /* as JSON for a list, and for what JSON writes without quotes */
} NP_DESIGNATED;

struct np_params {
	const struct np_param *const *items;
	size_t count;
};
#define NP_PARAMS(...) NP_LIST(np_params, struct np_param *const, __VA_ARGS__)

/* The usual two parameters of a list: the size of a page, and where the page before it ended. */
#define NP_PAGE_LIMIT                                                                  \
	.name = "limit", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .min = 1, .max = 100, \
	.default_value = "20"
#define NP_PAGE_AFTER                                               \
	.name = "after", .in = NP_IN_QUERY, .type = NP_TYPE_CURSOR, \
	.description = "\"next\" of a page"

enum np_status {
	NP_STATUS_OK = 200,
	NP_STATUS_CREATED = 201,
	NP_STATUS_ACCEPTED = 202,
	NP_STATUS_NO_CONTENT = 204,
	/* These have a Location and no content. */
	NP_STATUS_FOUND = 302,
	NP_STATUS_SEE_OTHER = 303, /* after a POST: the client goes on with a GET */
	NP_STATUS_TEMPORARY_REDIRECT = 307,
	NP_STATUS_PERMANENT_REDIRECT = 308
};

/* The content of a response, for the OpenAPI document. Of its members, name, type, choices,
 * members, max_items, nullable, optional, description and example are used. All programs share the
 * names of schemas: one name is one schema. */
struct np_schema {
	const char *name; /* letters, such as "User" */
	const struct np_params *members;
} NP_DESIGNATED;

/* The transaction that a route's queries run in. It begins with the first query; a handler that
 * makes no query opens no connection. */
enum np_tx {
	NP_TX_NONE,   /* no database: a query is an error of the handler */
	NP_TX_READ,   /* read only */
	NP_TX_WRITE,  /* commits if the handler returns true, rolls back if it returns false */
	NP_TX_MANUAL, /* commits only where the handler calls np_commit() */
};

/* Postgres' isolation levels. The two stricter ones run all queries of a route in one transaction,
 * with a BEGIN of its own. The end of a read then costs one more round trip, unless its last
 * statement is run by np_answer() or np_query_last(). */
enum np_isolation {
	NP_ISOLATION_READ_COMMITTED, /* each query sees what is committed when it begins */
	NP_ISOLATION_REPEATABLE_READ,
	NP_ISOLATION_SERIALIZABLE,
};

/* Who may call a route:
 *
 * - NP_AUTH_NONE: anybody. A token is not looked at.
 * - NP_AUTH_USER: who has a valid access token (Authorization: Bearer …), one of
 *   np_access_token() or of the issuer of JWT_JWKS. Others get a 401.
 * - NP_AUTH_OPTIONAL: anybody. With a valid token there is a caller, without an Authorization
 *   header there is none, and one that is not valid is a 401.
 * - NP_AUTH_KEY: who sends an API key in the header X-API-Key. Others get a 401. A key is a row of
 *   api_keys (migration 0012), made by the option --new-api-key of any program. It has a name,
 *   scopes, and maybe a user, who then is np_caller().
 *
 * Each transaction tells the database who the caller is:
 * nullif(current_setting('request.jwt.claims', true), '')::json->>'sub' is np_caller(), or SQL's
 * NULL without one. In the same round trip the
 * SQL function request_session_check(user uuid, session uuid) of migration 0009 checks whether the
 * session is live. If the session has ended or its user is gone, the first query fails with
 * NP_ERROR_UNAUTHORIZED. A handler that makes no query does not check this, and a token of the
 * issuer of JWT_JWKS has no session. On a replica that lags, a session that ended a moment ago may
 * still be live. */
enum np_auth { NP_AUTH_NONE, NP_AUTH_USER, NP_AUTH_OPTIONAL, NP_AUTH_KEY };

/* The body of an error. NP_ERROR_FORMAT_PROBLEM is application/problem+json (RFC 9457).
 * NP_ERROR_FORMAT_OAUTH2 is {"error": …, "error_description": …} of a token endpoint (RFC
 * 6749 5.2): an invalid request is 400 invalid_request, or unsupported_grant_type if "grant_type"
 * is not one of its choices; NP_ERROR_UNAUTHORIZED is 400 invalid_grant. */
enum np_error_format { NP_ERROR_FORMAT_PROBLEM, NP_ERROR_FORMAT_OAUTH2 };

/* What the body of a request is:
 *
 * - NP_BODY_MEMBERS: the parameters of NP_IN_BODY: the members of a JSON object, or, with .form,
 *   the fields of a form. Without such parameters the body is not read.
 * - NP_BODY_MULTIPART: the same as multipart/form-data (RFC 7578), with files.
 * - NP_BODY_JSON: one JSON value of any kind, for np_body_json(). Its media type is
 *   application/json, or ends with +json.
 * - NP_BODY_RAW: bytes of any media type, for np_body(), such as those of a webhook. They are as
 *   they came: not even a Content-Encoding is undone. There may be none. */
enum np_body { NP_BODY_MEMBERS, NP_BODY_MULTIPART, NP_BODY_JSON, NP_BODY_RAW };

typedef bool np_handler(struct np_ctx *ctx);

/* A failure, for a program whose clients expect another form of it. */
struct np_fault {
	const char *in; /* "path", "query", "header", "cookie", "body" */
	const char *name;
	const char *message; /* "must be …", "is required" */
};
struct np_failure {
	int status;
	const char *detail;            /* what the client may read; NULL: nothing, as with a 500 */
	const struct np_fault *faults; /* of the input */
	size_t faults_count;
	const char *request_id;
	bool outcome_unknown; /* the connection was lost during the commit */
};
/* Returns the body, as JSON: an np_json() or what np_json_object() makes. Status and headers stay.
 * It makes no query, and calls nothing that can fail. */
typedef struct np_value np_error_body(struct np_ctx *ctx, const struct np_failure *failure);

/* What the client is told when the constraint (or unique index) of that name refuses a row: the
 * detail of a 409, in place of `conflict`, or of a check's 422. */
struct np_conflict {
	const char *constraint;
	const char *detail;
};
struct np_conflicts {
	const struct np_conflict *items;
	size_t count;
};
#define NP_CONFLICTS(...) NP_LIST(np_conflicts, struct np_conflict, __VA_ARGS__)

/* One method of one path.
 *
 * The handler of an NP_TX_READ or NP_TX_WRITE route may run more than once for a request: up to 3
 * more times after a serialization failure or a deadlock, since nothing that it did has left the
 * process. With an Idempotency-Key it also runs again after a commit whose outcome is unknown,
 * until the deadline. `no_rerun` forbids both, for a handler that has effects of its own. A repeat
 * with the same key runs it up to its first statement, which then fails, and no further.
 *
 * Each member is set by its name; a row that is written by position does not compile. */
struct np_route {
	float designated_members_only; /* a string is no float */
	const char *method; /* "GET" answers HEAD as well; OPTIONS is answered from the table */
	const char
	    *path; /* "/notes/{id}": a name in braces is one segment, an NP_IN_PATH parameter */
	np_handler *handle;
	enum np_tx tx;
	enum np_isolation isolation; /* of NP_TX_READ, NP_TX_WRITE and NP_TX_MANUAL */
	bool no_rerun;
	bool fetches; /* the handler, or the guard, calls np_fetch() */
	enum np_auth auth;
	/* A scope, such as "admin", that the token, the key or the guard's row must grant: without
	 * it the response is a 403. See np_has_scope(). */
	const char *require;
	/* A function of the program that decides who may call the route, before the input is
	 * checked: it fails with np_fail(), or returns true. It has no arguments and makes no
	 * query, but may call np_identify(). The headers that it looks at tell callers apart: an
	 * Idempotency-Key belongs to who sent the same ones. */
	np_handler *guard;
	const struct np_params *params; /* at most 64 */
	enum np_body body;
	/* The most bytes that a body may have: 1 MiB, or up to 64 MiB here. nginx is told by
	 * nullpool-nginx. */
	int64_t body_max;
	bool form; /* the body may also be application/x-www-form-urlencoded */
	/* Unknown names in the query and the body are ignored; by default they are a 422. An empty
	 * field of a form counts as absent. For probes that add ?ts=1, and for a standard that
	 * requires it (RFC 6749 3.2). */
	bool lenient;
	/* Of the parameters in the body any may be absent, but not all of them: without one the
	 * response is a 422. `required` and `default_value` do not count for them, so the same
	 * objects serve a POST and a PATCH. */
	bool partial;
	/* A request without If-Match or `If-None-Match: *` is a 428, so that nobody overwrites what
	 * they have not seen. Needs a GET of the same path. */
	bool precondition;
	/* The content of a success; with `page`, of each item of np_reply_page(), and with `list`,
	 * of np_reply_rows(). */
	const struct np_schema *returns;
	bool page, list;
	/* The media type of a success that is not JSON, such as "text/csv", for the OpenAPI
	 * document. */
	const char *produces;
	/* The success. 0: 201 for a POST of NP_TX_WRITE, 204 for a DELETE, 200 for others. The
	 * OpenAPI document shows it, and np_answer() replies with it. */
	enum np_status success;
	struct {
		/* The Location header: "/notes/{id}", with columns of the row in braces. It is left
		 * out if one is SQL's NULL, or if it is longer than 2,048 bytes; a success that is
		 * a redirect then fails, before its commit, which is a round trip more. */
		const char *location;
		const struct np_names *omit; /* columns that are not in the response */
	} NP_DESIGNATED answer;              /* how np_answer() makes the response of its row */
	struct {
		const char
		    *not_found; /* detail of the 404 if np_query_one() or np_answer() has none */
		const char *conflict;                 /* of the 409 if a constraint refuses a row */
		const struct np_conflicts *conflicts; /* details by constraint */
		/* For a handler that fails with NP_ERROR_UNAUTHORIZED: how the OpenAPI document
		 * describes its 401, or its 400 with NP_ERROR_FORMAT_OAUTH2. */
		const char *unauthorized;
		enum np_error_format format;
		np_error_body *as; /* makes the body of all failures of the route, if it is set */
	} NP_DESIGNATED errors;
	struct {
		/* Responses of an NP_TX_READ route are cached in Redis, if there is one, under
		 * this key: "user:{id}", with parameters of the route in braces. The key has to
		 * contain everything that responses depend on. A parameter in it has a type of
		 * which each value has one spelling: not NP_TYPE_FLOAT, NP_TYPE_EMAIL,
		 * NP_TYPE_DATETIME, JSON or a list. A route with .auth or .guard cannot be cached.
		 * A response is not cached if it has a header other than Cache-Control,
		 * Content-Disposition, Content-Language, Deprecation, ETag, Expires, Last-Modified,
		 * Link, Sunset, Vary and X-Total-Count. Needs SECRET_KEY, which authenticates what
		 * is cached. */
		const char *key;
		int64_t ttl_s; /* time to live; 0: CACHE_TTL */
		/* The cache keys of this program whose responses an NP_TX_WRITE route makes out of
		 * date; at most 15. */
		const struct np_names *invalidates;
		/* A live status: never cached. */
		bool no_store;
	} NP_DESIGNATED cache;
	struct {
		const char *summary; /* one line */
		/* The operationId. NULL: it is made from method and path, such as listUsers for a
		 * page at GET /users, getUser for GET /users/{id}, createUser for POST /users. */
		const char *operation;
	} NP_DESIGNATED docs; /* for the OpenAPI document */
} NP_DESIGNATED;
/* Preconditions (RFC 9110 13). A request with If-Match or If-None-Match whose method is not GET is
 * done only if the header holds for the ETag that a GET of the same path, without a query, has now.
 * Otherwise the response is a 412 and nothing is done. If-Match compares strongly, so a weak tag
 * (W/) never matches. If the GET is a 404, If-Match fails and If-None-Match holds.
 *
 * The GET's handler runs first, in the write's transaction, which then is
 * NP_ISOLATION_REPEATABLE_READ or stricter: if a row changes in between, both run again (with
 * `no_rerun` and in NP_TX_MANUAL the response is a 409). In NP_TX_MANUAL all this holds for the
 * first transaction. If the GET shows rows that the write does not touch, only
 * NP_ISOLATION_SERIALIZABLE notices that they have changed. The comparison costs what the GET
 * costs, usually one round trip; a request without these headers costs nothing more.
 *
 * The response is also a 412 if the header is malformed, or if there is no GET to compare with:
 *
 * - The path has no GET, or the GET needs a query or a header that is missing.
 * - The caller may not call the GET, or the GET has another guard or another kind of .auth.
 * - The GET has .no_store, or streams.
 * - The GET is NP_TX_WRITE or NP_TX_MANUAL, or it is NP_TX_READ and the write is NP_TX_NONE. */

/* --- settings of one's own --- */

/* Is read as the library's settings are: from the environment, systemd's credentials (a secret),
 * and the settings file. What is wrong with it ends the program before it serves. --settings prints
 * it.
 *
 *     static const struct np_setting payment_key = { .name = "PAYMENT_KEY", .required = true,
 *                                                    .type = NP_TYPE_STRING, .secret = true };
 *
 * A program has at most 32. */
struct np_setting {
	/* Capital letters, digits and underscores; not the name of a setting of the library, or
	 * nearly so, nor one that others set, such as HTTP_… (a client's headers, under CGI) and
	 * PG…. The programs of a project share one settings file. */
	const char *name;
	/* NP_TYPE_STRING, NP_TYPE_INT, NP_TYPE_FLOAT, NP_TYPE_BOOL (also yes and no, on and off, 1
	 * and 0) or NP_TYPE_ENUM (in any case). */
	enum np_type type;
	bool required;
	/* Of an NP_TYPE_STRING: no log line and no output of --settings shows it. One below 4
	 * bytes is not hidden in the log. */
	bool secret;
	int64_t min, max;               /* as those of a parameter: of an integer or a text */
	const struct np_names *choices; /* of an NP_TYPE_ENUM */
	const char *default_value;      /* not of one that is required or a secret */
} NP_DESIGNATED;

struct np_settings {
	const struct np_setting *const *items;
	size_t count;
};
#define NP_SETTINGS(...) NP_LIST(np_settings, struct np_setting *const, __VA_ARGS__)

/* Returns the value of a setting, which is found by its address; SQL's NULL if it is not set and
 * has no default value. One that was not given to np_main_with() is a misuse. */
struct np_value np_setting(const struct np_ctx *ctx, const struct np_setting *setting);

/* Runs the program in the way that it was started: FastCGI, CGI or command line. `name` is the
 * program's, such as "notes" for handlers/notes.c; `routes` is an array. Returns the exit
 * code: 78 if a setting is wrong, or if the program was compiled with the nullpool.h of another
 * version than the library's; 70 if its table is wrong. */
#define np_main(argc, argv, name, routes) np_main_with((argc), (argv), (name), (routes), NULL)

/* The same, for a program that has settings of its own: np_main_with(argc, argv, "shop", routes,
 * NP_SETTINGS(&payment_key, &payment_mode)). */
#define np_main_with(argc, argv, name, routes, settings)                                          \
	np_main_versioned((argc), (argv), (name), (routes), sizeof(routes) / sizeof((routes)[0]), \
	                  sizeof(struct np_route), (settings), NP_VERSION_NUMBER)
int np_main_versioned(int argc, char **argv, const char *name, const struct np_route *routes,
                      size_t count, size_t route_bytes, const struct np_settings *settings,
                      int version);

/* --- the request --- */

/* Returns the argument of a parameter of the route, which is found by its address: a static object
 * in a header is another one in each file that includes it. If it is absent and has no default
 * value, it is SQL's NULL.
 *
 *     int64_t size = np_arg(ctx, &limit).integer;
 *
 * A parameter that the route does not have is a misuse. */
struct np_value np_arg(const struct np_ctx *ctx, const struct np_param *param);

/* Returns true if the request has the parameter: a null counts, a default value does not. A PATCH
 * needs it where NULL is a value: `due = CASE WHEN @given::bool THEN @due ELSE due END` with
 * np_bool(np_given(ctx, &due)). */
bool np_given(const struct np_ctx *ctx, const struct np_param *param);

/* Returns part `key` (from 0) of an NP_TYPE_CURSOR argument: the value that this key had in the
 * last row of the page before; np_reply_page() has an example. SQL's NULL without a cursor, and for
 * a key that the page did not have; a key above 3 is a misuse. A cursor from a page with other
 * arguments (except `limit`) was already refused. */
struct np_value np_cursor_key(const struct np_ctx *ctx, const struct np_param *param, size_t key);

/* Returns the bytes of the body. For a guard, and for a route of NP_BODY_RAW; elsewhere it is a
 * misuse. */
struct np_bytes np_body(const struct np_ctx *ctx);

/* Returns the value of an NP_BODY_JSON, for a jsonb. In another route it is a misuse. */
struct np_value np_body_json(const struct np_ctx *ctx);

/* A file of NP_BODY_MULTIPART. Name and type are what the client says: the name is no path to
 * write to, and the bytes need not be of that type. */
struct np_file {
	const char *name; /* "": it has none */
	const char *type; /* in lower case, without parameters, such as "image/png" */
	struct np_bytes content;
};

/* Returns file `index` (from 0) of an NP_TYPE_FILE. There is none from np_files_count() on: content
 * without bytes, and NULLs. np_arg() is the bytes of the only file of a parameter, for a bytea;
 * with .max_items it is SQL's NULL. */
size_t np_files_count(const struct np_ctx *ctx, const struct np_param *param);
struct np_file np_file(const struct np_ctx *ctx, const struct np_param *param, size_t index);

/* Returns the bytes as a value, for a bytea. */
struct np_value np_bytea(struct np_ctx *ctx, struct np_bytes bytes);

/* Returns the bytes of a text. NULL has none. */
struct np_bytes np_bytes_of(const char *text);

/* Return APP_NAME, and API_PREFIX ("" if there is none), for a link in a body: paths of routes and
 * of .answer.location are without it; Location, Link and the path of a cookie get it. */
const char *np_app_name(const struct np_ctx *ctx);
const char *np_api_prefix(const struct np_ctx *ctx);

/* Returns the request's id, which its log lines and its response (X-Request-Id) have: nginx's
 * $request_id. */
const char *np_request_id(const struct np_ctx *ctx);

/* Returns how long the request may still take (REQUEST_TIMEOUT), in milliseconds; 0: no longer. */
int64_t np_remaining_ms(const struct np_ctx *ctx);

/* Writes a line to the log, with the request's id and these members (NULL: none), unless LOG_LEVEL
 * leaves its level out. Secrets among the settings are hidden in it; other values are not. A
 * handler that is run again writes it again. A name has letters, digits and underscores, at most
 * 48, and is none that each line has.
 *
 *     np_log(ctx, NP_LEVEL_WARNING, "payment refused", NP_OBJECT({ "code", np_int(code) }));
 */
enum np_level { NP_LEVEL_DEBUG, NP_LEVEL_INFO, NP_LEVEL_WARNING, NP_LEVEL_ERROR };
struct np_object;
void np_log(struct np_ctx *ctx, enum np_level level, const char *event,
            const struct np_object *members);

/* Return memory of the request: a text, or zeroed bytes for anything. A process that has no memory
 * left ends, so neither is ever NULL. */
const char *np_printf(struct np_ctx *ctx, const char *format, ...) NP_PRINTF(2, 3);
void *np_alloc(struct np_ctx *ctx, size_t size);

/* --- the caller --- */

/* Return the user, and the session, that the access token names. A session is one sign-in with all
 * tokens that follow from it. Both are SQL's NULL if the request has no token. With a token of the
 * issuer of JWT_JWKS the user is its "sub", a text unless it is a UUID, and there is no session.
 *
 * With NP_AUTH_KEY and np_identify() the user is known only to the database, and there is no
 * session. np_caller(), np_has_scope() and np_require_caller() then cost one round trip before the
 * first query, and none after it. If the database does not know the caller, the request fails with
 * NP_ERROR_UNAUTHORIZED, whatever the handler returns. */
struct np_value np_caller(struct np_ctx *ctx);
struct np_value np_caller_session(const struct np_ctx *ctx);

/* Return a header of the request, whose name is given in lower case, or a cookie; SQL's NULL if
 * there is none. In the handler of a POST of NP_TX_WRITE, which has idempotency keys, they are a
 * misuse: take it in a guard, or as a parameter. */
struct np_value np_header_of(struct np_ctx *ctx, const char *name);

struct np_value np_cookie_of(struct np_ctx *ctx, const char *name);

/* Fails with NP_ERROR_FORBIDDEN unless the caller is that user.
 *
 *     return np_require_caller(ctx, np_arg(ctx, &id)) && np_answer(ctx, deleted_user(…));
 */
NP_MUST_CHECK bool np_require_caller(struct np_ctx *ctx, struct np_value user);

/* Returns true if the token, the key or the row of np_identify() grants this scope: it is one of
 * the words of "scope" (RFC 8693 4.2), or of JWT_SCOPE_CLAIM. Of a token, a scope that was taken
 * away is granted until the token expires, or the session ends.
 *
 *     return np_has_scope(ctx, "admin") || np_require_caller(ctx, np_field(note, 0, "owner"));
 */
bool np_has_scope(struct np_ctx *ctx, const char *scope);

/* Argon2id, which takes about 20 ms on purpose. If the hash is SQL's NULL, np_password_verify()
 * takes as long and returns false, so an account that does not exist looks like a wrong password.
 * The hash of SQL's NULL is SQL's NULL. Hash before the first query, so that no connection waits
 * for it.
 *
 *     return np_answer(ctx, new_account(np_arg(ctx, &email),
 *                                       np_password_hash(ctx, np_arg(ctx, &password))));
 */
struct np_value np_password_hash(struct np_ctx *ctx, struct np_value password);
NP_MUST_CHECK bool np_password_verify(struct np_ctx *ctx, struct np_value hash,
                                      struct np_value password);

/* Makes an access token for a user and a session, both UUIDs, that grants the scopes: words with
 * spaces between them, or SQL's NULL. It is signed with SECRET_KEY and valid for
 * np_access_token_life_s() seconds, or until the session ends. A user or a session that is SQL's
 * NULL is a misuse, and so is a program without SECRET_KEY. */
struct np_value np_access_token(struct np_ctx *ctx, struct np_value user, struct np_value session,
                                struct np_value scopes);
int64_t np_access_token_life_s(const struct np_ctx *ctx);

/* Returns the address that the request comes from, as nginx sees it; no header can forge it. SQL's
 * NULL if it is unknown, as from a shell. What np_client_network() says of proxies holds for it. */
struct np_value np_client_address(const struct np_ctx *ctx);

/* Returns the network that the request comes from, in the form in which one client is counted: an
 * IPv4 address, or the /64 of an IPv6 address ("2001:db8:0:1::/64"). SQL's NULL if it is unknown,
 * as from a shell. Behind a proxy it is the proxy's, unless nginx trusts the proxy
 * (nullpool-site.conf). */
struct np_value np_client_network(struct np_ctx *ctx);

/* Returns a hash to store in place of a text that nobody should be able to read. It is equal for
 * equal texts of one purpose, and reveals nothing without SECRET_KEY. SQL's NULL has a hash too.
 *
 *     np_exec(ctx, new_attempt(np_keyed_hash(ctx, "account", np_arg(ctx, &email))))
 *
 * A program without SECRET_KEY is a misuse. One with an .auth route always has it, unless JWT_JWKS
 * is set. */
struct np_value np_keyed_hash(struct np_ctx *ctx, const char *purpose, struct np_value text);

/* Returns true if the signature is the HMAC-SHA256 of the parts, one behind the other, with that
 * key: 64 hexadecimal digits, or base64. The comparison takes the same time wherever they differ.
 * With a signature that is NULL, or a key without bytes, it is never right. Of GitHub's
 * X-Hub-Signature-256, for example, in a guard:
 *
 *     const char *sent = np_header_of(ctx, "x-hub-signature-256").text;
 *
 *     if (!sent || strncmp(sent, "sha256=", 7) != 0
 *         || !np_hmac_equal(np_bytes_of(secret), sent + 7, NP_PARTS(np_body(ctx))))
 *             return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "The signature is wrong");
 */
bool np_hmac_equal(struct np_bytes key, const char *signature, const struct np_parts *parts);

/* Returns the bytes that a text of base64 stands for, such as a key; none if it is not base64. */
struct np_bytes np_base64_bytes(struct np_ctx *ctx, const char *text);

/* np_random_token() returns 32 random bytes as text. Store np_token_hash() of it, so that whoever
 * reads the table cannot use it. The hash of SQL's NULL is SQL's NULL.
 *
 *     struct np_value token = np_random_token(ctx);
 *
 *     return np_exec(ctx, new_invitation(np_token_hash(ctx, token)))
 *            && np_reply_object(ctx, NP_STATUS_CREATED, NP_OBJECT({ "token", token }));
 */
struct np_value np_random_token(struct np_ctx *ctx);
struct np_value np_token_hash(struct np_ctx *ctx, struct np_value token);

/* --- kinds of failure --- */

enum np_error {
	NP_ERROR_MALFORMED = 1,       /* 400: JSON, encoding, framing */
	NP_ERROR_UNAUTHORIZED,        /* 401, with WWW-Authenticate */
	NP_ERROR_FORBIDDEN,           /* 403 */
	NP_ERROR_NOT_FOUND,           /* 404 */
	NP_ERROR_CONFLICT,            /* 409: a constraint refused, or all retries failed */
	NP_ERROR_PRECONDITION_FAILED, /* 412: If-Match or If-None-Match; nothing was done */
	NP_ERROR_TOO_LARGE,           /* 413 */
	NP_ERROR_MEDIA_TYPE,          /* 415 */
	NP_ERROR_INVALID,             /* 422: a value breaks a rule */
	NP_ERROR_TOO_MANY,            /* 429, with Retry-After: too many attempts */
	NP_ERROR_INTERNAL,    /* 500: a fault of the program; the client gets the request id only */
	NP_ERROR_UNAVAILABLE, /* 503, with Retry-After: the database is away, full or waking up */
	NP_ERROR_TIMEOUT,     /* 504: the deadline passed */
};

/* --- the database --- */

/* How an error of a statement reaches the client:
 *
 * - A constraint refuses a row: 409 (unique, foreign key, exclusion) or 422 (check, not null).
 * - A value is not valid for its type, or is too large: 422; but 500 if the statement had no
 *   values or the request no parameters.
 * - Row-level security refuses, or a privilege is missing: 403; 401 without a caller.
 * - Another transaction is in the way, and running the handler again did not help: 409.
 * - RAISE EXCEPTION 'message': 422, with the message as its detail.
 * - RAISE ... USING ERRCODE = 'PT404': that status, from PT400 to PT499, with the message.
 * - The server is away, full or slow: 503, 504.
 * - Anything else: 500, and only the log says why.
 *
 * The message of a RAISE is public: put no secret there. Its DETAIL goes to the log only. If its
 * HINT is a whole number, that is the Retry-After in seconds. */

/* Statements are written in .sql files, each under a name and a kind:
 *
 *     -- name: note_by_id :one
 *     -- One note that was not deleted.
 *     SELECT id, title FROM notes WHERE id = @id AND deleted_at IS NULL;
 *
 * The build makes notes.sql.h of notes.sql (nullpool-sql). It has a macro for each statement, which
 * takes the values of its parameters, @id or $1, in the order in which they are first used:
 * note_by_id(np_arg(ctx, &id)). Values travel beside the text, which is never built from input. */
enum np_kind {
	NP_KIND_ONE,  /* exactly one row */
	NP_KIND_MANY, /* any number of rows */
	NP_KIND_EXEC  /* rows are not asked for */
};

/* One statement, as nullpool-sql writes it. */
struct np_statement {
	const char *name; /* for the log */
	const char *sql;  /* with $1, $2, … */
	enum np_kind kind;
	size_t params; /* how many values it takes */
	const char *file;
	int line;            /* of the name in the file */
	const char *columns; /* "id,title": its result's; NULL: the text does not show them all */
	bool inserts_one;    /* it is an INSERT of one row, and nothing else */
	/* The text that fails unless it returns one row, for np_answer(), and the one that also
	 * stores this row, for a request with an Idempotency-Key. NULL: none. */
	const char *exact, *keep;
};

/* A statement with its values, for one call of a function below. */
struct np_call {
	const struct np_statement *statement;
	const struct np_value *values; /* of $1, $2, … */
	size_t count;
};

/* NP_STATEMENT(note_by_id) is the address of that statement, for an array of which one is chosen;
 * NP_CALL_ONE_OF(chosen[i], values…) calls it. If it takes another number of values, the query
 * fails with NP_ERROR_INTERNAL before anything is sent. The other macros are those of a .sql.h. */
#define NP_STATEMENT(name) (&np_sql_##name)
#define NP_CALL_ONE_OF(chosen, ...)                                            \
	((struct np_call){ (chosen), (const struct np_value[]){ __VA_ARGS__ }, \
	                   sizeof((const struct np_value[]){ __VA_ARGS__ })    \
	                       / sizeof(struct np_value) })
#define NP_CALL(statement, count, ...) \
	((struct np_call){ (statement), (const struct np_value[count]){ __VA_ARGS__ }, (count) })
#define NP_CALL_WITHOUT_VALUES(statement) ((struct np_call){ (statement), NULL, 0 })

/* Makes any other type than struct np_value a compile-time error. */
static inline struct np_value
np_as_value(struct np_value value)
{
	return value;
}

/* Run one statement. np_query() is for any number of rows, but not for a statement that is :exec.
 * np_query_one() is for one that is :one; it fails with NP_ERROR_NOT_FOUND if there is no row, and
 * with NP_ERROR_INTERNAL if there are several. np_exec() drops what rows there are. Each costs one
 * round trip; the first one's also begins the transaction. *rows is NULL after a failure. An array
 * of a type that the database defines itself costs each worker one round trip more, once, to learn
 * what it is.
 *
 *     struct np_rows *user;
 *
 *     return np_query_one(ctx, &user, user_by_email(np_arg(ctx, &email)))
 *            && np_exec(ctx, new_visit(np_field(user, 0, "id"))) && np_reply_empty(ctx);
 *
 * Errors are those of the statement, see above.
 * After a statement that the server refused, all others fail with the same error, and the
 * transaction cannot commit (in NP_TX_MANUAL, until np_rollback()). A call that does not fit its
 * statement fails with NP_ERROR_INTERNAL, and is not sent: the log names the statement and its
 * place. */
NP_MUST_CHECK bool np_query(struct np_ctx *ctx, struct np_rows **rows, struct np_call call);
NP_MUST_CHECK bool np_query_one(struct np_ctx *ctx, struct np_rows **row, struct np_call call);
NP_MUST_CHECK bool np_exec(struct np_ctx *ctx, struct np_call call);

/* Runs up to 8 statements in one round trip, for those of which none needs another's rows. Where
 * `rows` is NULL, they are dropped. Fails as the first of them that fails: with what np_query()
 * says of a statement, and NP_ERROR_NOT_FOUND if a :one has no row. Those after a statement that
 * the server refused are not run.
 *
 *     struct np_rows *user, *notes;
 *
 *     return np_queries(ctx, NP_QUERIES({ &user, user_by_id(id) }, { &notes, notes_of(id) },
 *                                       { NULL, new_visit(id) })) && …
 */
struct np_query {
	struct np_rows **rows;
	struct np_call call;
};
struct np_queries {
	const struct np_query *items;
	size_t count;
};
#define NP_QUERIES(...) NP_LIST(np_queries, struct np_query, __VA_ARGS__)
NP_MUST_CHECK bool np_queries(struct np_ctx *ctx, const struct np_queries *queries);

/* Runs a statement that the server may refuse: then what it did is undone, the transaction goes on
 * as if it had not been sent, and *rows is NULL. Costs one round trip, and one more if it was
 * refused. A refusal is an error that lies in the statement and its values; what lies elsewhere
 * (the server is away, a deadlock) fails as np_query() does. A deferred constraint refuses only the
 * commit.
 *
 *     struct np_refusal refusal;
 *
 *     if (!np_try(ctx, &row, &refusal, new_slug(slug)))
 *             return false;
 *     if (refusal.refused && refusal.error == NP_ERROR_CONFLICT)
 *             …another slug
 *     else if (refusal.refused)
 *             return np_fail(ctx, refusal.error, "%s", refusal.message);
 */
struct np_refusal {
	bool refused;
	enum np_error error;    /* what np_query() would have failed with */
	int status;             /* and the response's status then */
	const char *constraint; /* that refused a row; NULL: none did */
	const char *message;    /* for a client */
};
NP_MUST_CHECK bool np_try(struct np_ctx *ctx, struct np_rows **rows, struct np_refusal *refusal,
                          struct np_call call);

/* For a guard: the caller is whom this :one statement, a SELECT, finds. It is sent before the first
 * statement of each transaction, in the same round trip. Its row, as a JSON object, becomes
 * request.jwt.claims; of its columns, "sub" is np_caller() and "scope" has the scopes, as words.
 * Without a row no other statement is done, and the request fails with NP_ERROR_UNAUTHORIZED,
 * whatever the handler returns; what the handler does before its first query is done for anybody,
 * unless it calls np_caller() first. A handler that makes no query costs a round trip for it, and
 * so does a request whose input is invalid. It needs the function request_identify() of migration
 * 0012.
 *
 *     static bool
 *     check_signature(struct np_ctx *ctx)
 *     {
 *             return np_identify(ctx, partner_of_key(np_header_of(ctx, "x-partner-key")));
 *     }
 */
NP_MUST_CHECK bool np_identify(struct np_ctx *ctx, struct np_call call);

/* Runs the last statement of an NP_TX_READ or NP_TX_WRITE route and replies with its row, as the
 * route's `answer` says: `return np_answer(ctx, new_note(…));`. The commit travels with the
 * statement, so both cost one round trip. It is the last call of its handler. Fails as
 * np_query_one() does, and nothing is committed then: if it could have done something without
 * returning its row, or have returned several, the statement is sent in a form that fails in the
 * server.
 *
 * The statement is :one; where the success is a 204 it may also be :exec. A name in `answer` that
 * is no column of it is a misuse. If the text of the statement does not show its columns
 * (RETURNING *), the commit is one round trip more. A row whose response would be larger than 8 MiB
 * is a 500 after the commit.
 *
 * With an Idempotency-Key the statement also stores its row, in the same round trip, and a repeat
 * makes the same response from that row. The response is stored in its place, with the commit and
 * one round trip more, if the statement is :exec, or if np_header(), np_set_cookie(),
 * np_random_token() or np_access_token() was called before. */
NP_MUST_CHECK bool np_answer(struct np_ctx *ctx, struct np_call call);

/* Runs the last statement of an NP_TX_READ or NP_TX_WRITE route, with any number of rows, in one
 * round trip with the commit. Fails as np_query() and np_commit() do. What follows may run when it
 * is already committed: nothing there may fail for a reason that lies in the request. A further
 * statement is an error of the handler. With an Idempotency-Key the commit is one round trip more,
 * together with the response. */
NP_MUST_CHECK bool np_query_last(struct np_ctx *ctx, struct np_rows **rows, struct np_call call);

/* For NP_TX_MANUAL: end the transaction, in one round trip; without an open one they do nothing.
 * The next query begins a new one. One that is still open when the handler ends rolls back.
 * np_commit() fails as a statement does (a deferred constraint, for instance); if the connection is
 * lost meanwhile, the client gets a 503 with "outcome": "unknown". In another route they are a
 * misuse. np_rollback() makes statements possible again after one that failed. */
NP_MUST_CHECK bool np_commit(struct np_ctx *ctx);
void np_rollback(struct np_ctx *ctx);

/* Returns the number of rows. */
size_t np_rows_count(const struct np_rows *rows);

/* Returns one field: np_field(rows, 0, "id") of the first row. Its text is what SQL takes back
 * unchanged, and np_reply_object() writes it as np_reply_row() does. Its type is that of its
 * column:
 *
 * - int2, int4 and int8 are NP_TYPE_INT; float4 and float8 are NP_TYPE_FLOAT, which may be NaN or
 *   an infinity here; bool is NP_TYPE_BOOL. These have their number as well.
 * - uuid is NP_TYPE_UUID, date is NP_TYPE_DATE, timestamptz is NP_TYPE_DATETIME, json and jsonb are
 *   NP_TYPE_JSON.
 * - An array is a list of what its elements are. All other types are NP_TYPE_STRING; so is numeric,
 *   which may have more digits than a double.
 *
 * A row or a column that does not exist is a misuse. */
struct np_value np_field(const struct np_rows *rows, size_t row, const char *column);

/* --- other services --- */

/* Sends a request over HTTPS and waits for the response, which may have any status; a redirect is
 * not followed. Sent once, never again. The route needs .fetches, which costs each worker of the
 * program the memory of libcurl.
 *
 * Fails with NP_ERROR_INVALID if the URL is not one of https, or leads to an address that is not
 * public (FETCH_PRIVATE allows both, for all URLs of the program); with NP_ERROR_UNAVAILABLE if
 * there is no response, or one that is too large; with NP_ERROR_TIMEOUT at the request's deadline.
 * A certificate is verified with the system's CAs, or with those of FETCH_CA_FILE. No proxy is
 * used. The trace of the request goes on in the other service (traceparent). A client that leaves
 * ends a GET or HEAD, and nothing else. A guard that goes on after a failed fetch fails all the
 * same.
 *
 * Before the first query no connection to the database waits meanwhile. While a transaction is open
 * it is a misuse, unless .in_transaction says that this is meant. A method other than GET and HEAD
 * needs .no_rerun in a route of NP_TX_READ or NP_TX_WRITE, because a handler that runs again would
 * send it again. Such a fetch first lets the database decide what it has to, in one round trip, if
 * no statement came before: whether the session of the caller is live and an API key is known, and
 * whether a request with the same Idempotency-Key was done; the transaction then stays open. A
 * repeat gets the stored response and sends nothing, unless it is a guard that fetches. If the
 * process dies between the fetch and the commit, a repeat does send again: pass
 * np_idempotency_key() on, so that the other service knows.
 *
 *     struct np_fetched answer;
 *     bool ok = np_fetch(ctx, &answer,
 *                        &(struct np_fetch){ .url = "https://api.example.com/charges",
 *                                            .headers = NP_OBJECT({ "Authorization", key }),
 *                                            .body = np_bytes_of(charge.text) });
 */
struct np_fetch {
	const char *url;
	/* GET, HEAD (both without a body), POST, PUT, PATCH, DELETE. NULL: POST with a body, else
	 * GET. */
	const char *method;
	/* At most 32; those of SQL's NULL are left out. Not Host, Content-Type, User-Agent,
	 * Traceparent, nor what frames the body. */
	const struct np_object *headers;
	const char *content_type; /* of the body; NULL: application/json */
	struct np_bytes body;
	int64_t timeout_ms; /* then NP_ERROR_UNAVAILABLE; 0: as long as the request may take */
	/* Of the response's body; 0: 1 MiB, at most 64 MiB, which MemoryMax= of the unit has to
	 * allow for. */
	int64_t max_bytes;
	bool in_transaction;
} NP_DESIGNATED;
struct np_fetched {
	int status;
	const char *content_type; /* NULL: none */
	struct np_bytes body;     /* with a NUL behind it */
	const char *head;         /* for np_fetched_header() */
};
NP_MUST_CHECK bool np_fetch(struct np_ctx *ctx, struct np_fetched *fetched,
                            const struct np_fetch *wanted);

/* Returns the Idempotency-Key of the request, in the handler of a POST of NP_TX_WRITE; elsewhere,
 * and without one, SQL's NULL. */
struct np_value np_idempotency_key(const struct np_ctx *ctx);

/* Returns the first header of that name, in any case; SQL's NULL if there is none. */
struct np_value np_fetched_header(struct np_ctx *ctx, const struct np_fetched *fetched,
                                  const char *name);

/* --- the reply --- */

/* Replies with the first row as an object, {"column": value, …}. Fails with NP_ERROR_INTERNAL if
 * there is no row, if two columns have one name, or if the response is larger than 8 MiB, as all
 * replies do. Each value is written by the type of its column:
 *
 * - A numeric with more digits than a double holds is a string, so that no digit is lost.
 * - An int8 is a number with all its digits, which JavaScript and others round above 2^53. Where
 *   that may matter, select a string, `SELECT id::text AS id`, and declare it as an NP_TYPE_STRING
 *   in the schema.
 * - A timestamptz is in UTC, whatever the role's TimeZone is.
 * - An array is an array, also of a type that the database defines itself.
 * - A composite and a range are strings. */
NP_MUST_CHECK bool np_reply_row(struct np_ctx *ctx, enum np_status status,
                                const struct np_rows *row);

/* Replies with a keyset page: {"items": [row, …], "next": cursor or null}. Query for limit + 1
 * rows, which shows whether there is another page; the response then has a Link to it. `keys` are
 * the 1 to 4 columns that the query is ordered by. If there is another page, a route without an
 * NP_TYPE_CURSOR or keys is a misuse, and it fails with NP_ERROR_INTERNAL if one of the keys is
 * null in the last row of this page, or if together they are longer than about 1,400 bytes there.
 *
 *     return np_query(ctx, &rows, notes_after(np_cursor_key(ctx, &after, 0),
 *                                             np_cursor_key(ctx, &after, 1), np_arg(ctx, &limit)))
 *            && np_reply_page(ctx, rows, np_arg(ctx, &limit).integer,
 *                             NP_NAMES("created_at", "id"));
 */
NP_MUST_CHECK bool np_reply_page(struct np_ctx *ctx, const struct np_rows *rows, int64_t limit,
                                 const struct np_names *keys);

/* Replies with an object of a few members. Each is written by its type: that of an argument, which
 * may be a list, or of a field's column. Let Postgres build an object that contains others.
 *
 *     np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "id", np_caller(ctx) }, { "n", np_int(3) }))
 *
 * Fails with NP_ERROR_INTERNAL if the text of an np_json() is not JSON as a body may have it. */
struct np_member {
	const char *name;
	struct np_value value;
};
struct np_object {
	const struct np_member *items;
	size_t count;
};
#define NP_OBJECT(...) NP_LIST(np_object, struct np_member, __VA_ARGS__)
NP_MUST_CHECK bool np_reply_object(struct np_ctx *ctx, enum np_status status,
                                   const struct np_object *object);

/* Make JSON of members or of items, for a value of np_reply_object() or of another such call. JSON
 * that is not valid is a misuse.
 *
 *     np_reply_object(ctx, NP_STATUS_OK,
 *                     NP_OBJECT({ "user", np_json_object(ctx, NP_OBJECT({ "id", id })) }))
 */
struct np_values {
	const struct np_value *items;
	size_t count;
};
#define NP_VALUES(...) NP_LIST(np_values, struct np_value, __VA_ARGS__)
struct np_value np_json_object(struct np_ctx *ctx, const struct np_object *object);
struct np_value np_json_list(struct np_ctx *ctx, const struct np_values *values);

/* Replies with one value, as JSON: np_reply_json(ctx, NP_STATUS_OK, np_field(row, 0, "report")).
 * Fails with NP_ERROR_INTERNAL if the text of an np_json() is not JSON. */
NP_MUST_CHECK bool np_reply_json(struct np_ctx *ctx, enum np_status status, struct np_value value);

/* np_reply_row_without() leaves out the columns `omit`. np_reply_rows() replies with all rows as a
 * list, [{"column": value, …}, …], without these columns (NULL: with all). Both fail as
 * np_reply_row() does; a column that does not exist is a misuse. */
NP_MUST_CHECK bool np_reply_row_without(struct np_ctx *ctx, enum np_status status,
                                        const struct np_rows *row, const struct np_names *omit);
NP_MUST_CHECK bool np_reply_rows(struct np_ctx *ctx, enum np_status status,
                                 const struct np_rows *rows, const struct np_names *omit);

/* Reply with something else than JSON. The media type is sent as Content-Type: "text/html;
 * charset=utf-8", "image/png". Escape what you put into HTML. A page loads nothing, since nginx
 * sends "Content-Security-Policy: default-src 'none'", unless np_header() sets another one. With a
 * file name, a browser saves the content under it; it is cut at 255 bytes. A media type has at most
 * 255. */
NP_MUST_CHECK bool np_reply_text(struct np_ctx *ctx, enum np_status status, const char *media_type,
                                 const char *text);
NP_MUST_CHECK bool np_reply_bytes(struct np_ctx *ctx, enum np_status status, const char *media_type,
                                  const char *file_name, struct np_bytes content);

/* Replies with all rows as CSV (RFC 4180), the names of the columns first. SQL's NULL is an empty
 * field (in a single column ""), and an empty text is "". A text that a spreadsheet would take for
 * a formula (it begins with = + - @, a tab or a carriage return) gets a ' before it. file_name may
 * be NULL. */
NP_MUST_CHECK bool np_reply_csv(struct np_ctx *ctx, const struct np_rows *rows,
                                const char *file_name);

/* Run the last statement of an NP_TX_READ route and reply with its rows as they come, in memory
 * that does not grow with their number: CSV as np_reply_csv() writes it, or JSON Lines, an object a
 * line (application/jsonl). Cost one round trip. file_name may be NULL.
 *
 *     return np_stream_csv(ctx, "notes.csv", all_notes());
 *
 * Until 32 KiB have come a failure is answered as that of any statement, and a response that is
 * shorter has a length and an ETag. What fails later, and the death of a worker, is seen
 * by the client as a response that broke off. All of it has to leave within
 * DATABASE_COMMAND_TIMEOUT and REQUEST_TIMEOUT. A client of HTTP/1.0, and a proxy that speaks it,
 * would not notice a break: they get up to 8 MiB, and a 505 for more. Under CGI, and behind an
 * nginx without fastcgi_keep_conn, more than 8 MiB are a 500. A route with .cache.key cannot
 * stream. A type that np_field() does not name, such as an enum or a range, costs each worker a
 * second connection, once. */
NP_MUST_CHECK bool np_stream_csv(struct np_ctx *ctx, const char *file_name, struct np_call call);
NP_MUST_CHECK bool np_stream_json_lines(struct np_ctx *ctx, const char *file_name,
                                        struct np_call call);

/* Replies with one of the statuses from NP_STATUS_FOUND on. The location is a path of the API,
 * which gets API_PREFIX, or a URL; do not make it of what a client sent. np_answer() does the same
 * with .answer.location, if .success is such a status. */
NP_MUST_CHECK bool np_reply_redirect(struct np_ctx *ctx, enum np_status status,
                                     const char *location);

/* Replies with a 204, which has no body. */
NP_MUST_CHECK bool np_reply_empty(struct np_ctx *ctx);

/* Adds a Set-Cookie header (RFC 6265). By default the cookie is sent back over HTTPS only (and to
 * localhost), no script can read it, other sites cannot send it with a POST, and it ends with the
 * browser. Fails as np_header() does, and with NP_ERROR_INTERNAL if name or value are not those of
 * a cookie, or if they break the rule of a prefix (__Host-, __Secure-). */
enum np_same_site { NP_SAME_SITE_LAX, NP_SAME_SITE_STRICT, NP_SAME_SITE_NONE };
struct np_cookie {
	const char *name,
	    *value;         /* printable ASCII; no space, quote, comma, semicolon, backslash */
	int64_t max_age_s;  /* 0: until the browser ends; below 0: it is removed */
	const char *path;   /* NULL: "/" */
	const char *domain; /* NULL: this host only */
	enum np_same_site same_site;
	bool script_may_read; /* without HttpOnly */
	bool over_http;       /* without Secure */
} NP_DESIGNATED;
NP_MUST_CHECK bool np_set_cookie(struct np_ctx *ctx, const struct np_cookie *cookie);

/* Adds a response header: np_header(ctx, "X-Count", "%zu", count). Its name has letters,
 * digits and dashes. Fails with NP_ERROR_INTERNAL if the value has a control character, which could
 * begin another header; for a header that the library writes, such as Content-Type; and above 16
 * headers or 4,096 bytes. A failure drops them. */
NP_MUST_CHECK bool np_header(struct np_ctx *ctx, const char *name, const char *format, ...)
    NP_PRINTF(3, 4);

/* --- failures --- */

/* Records a failure and returns false. The text is for the client; with NP_ERROR_INTERNAL it is for
 * the log only. It is cut at 255 bytes. A later failure of the same request takes its place, but
 * not that of a commit whose outcome is unknown.
 *
 *     if (np_field(order, 0, "paid").boolean)
 *         return np_fail(ctx, NP_ERROR_CONFLICT, "The order is paid already");
 */
NP_MUST_CHECK bool np_fail(struct np_ctx *ctx, enum np_error error, const char *format, ...)
    NP_PRINTF(3, 4);

/* Fails with a status from 400 to 599 and a JSON body of the program's own, in place of a problem
 * document. Returns false; the transaction rolls back.
 *
 *     return np_fail_json(ctx, 402, np_json_object(ctx, NP_OBJECT({ "balance", balance })));
 */
NP_MUST_CHECK bool np_fail_json(struct np_ctx *ctx, int status, struct np_value body);

/* Sets the Retry-After of a 429 or a 503 of this request, in place of its default. 0 or less leaves
 * the default. */
void np_retry_after(struct np_ctx *ctx, int64_t seconds);

/* --- ready-made routes, each a row of a table or several --- */

np_handler np_health;       /* asks the database and Redis */
np_handler np_health_live;  /* the process answers; touches nothing */
np_handler np_health_ready; /* valid settings, and not draining; does not connect */
np_handler np_metrics;      /* counters of the run directory's endpoints, for Prometheus */
extern const struct np_schema np_health_schema, np_probe_schema;

/* A route for probes, whose requests may have any query parameters. Its response is not stored. */
#define NP_PROBE(at, handler, mode, schema, words)                                                 \
	{                                                                                          \
		.method = "GET", .path = (at), .handle = (handler), .tx = (mode), .lenient = true, \
		.returns = (schema), .docs = { .summary = (words) }, .cache = {                    \
			.no_store = true                                                           \
		}                                                                                  \
	}
/* For the program "health". */
#define NP_HEALTH_ROUTES                                                             \
	NP_PROBE("/health", np_health, NP_TX_READ, &np_health_schema,                \
	         "The state of the database and Redis"),                             \
	    NP_PROBE("/health/live", np_health_live, NP_TX_NONE, &np_probe_schema,   \
	             "The process answers"),                                         \
	    NP_PROBE("/health/ready", np_health_ready, NP_TX_NONE, &np_probe_schema, \
	             "Ready for requests")
/* For the program "metrics". */
#define NP_METRICS_ROUTE                                   \
	NP_PROBE("/metrics", np_metrics, NP_TX_NONE, NULL, \
	         "Counters of all endpoints, for Prometheus")

#ifdef __cplusplus
}
#endif

#endif
