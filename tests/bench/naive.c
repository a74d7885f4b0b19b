/* naive - what nullpool is measured against: libfcgi and libpq as their manuals show them, and
 * nothing else
 *
 * naive WORKERS persistent|per-request bare|steps|pipelined, with a listening socket as standard
 * input and DATABASE_URL in the environment. It forks all its workers at once. GET / is a constant,
 * GET /users/{id} and POST /users are one row as JSON, over a connection that the worker keeps
 * (persistent) or that each request opens (per-request). It checks that the database did what it
 * was asked for, and nothing about the client. It logs nothing and recovers from nothing.
 */
#include <fcgiapp.h>
#include <json-c/json.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define USERS          "/users"
#define BODY_MAX_BYTES 65536
#define USER_COLUMNS   "id, email, name, created_at, updated_at"

/* The limits that a nullpool transaction tells the server. */
#define LIMITS                                                                                              \
	"SELECT set_config('statement_timeout', '59900', true), set_config('lock_timeout', '29950', true)," \
	" set_config('idle_in_transaction_session_timeout', '61000', true),"                                \
	" set_config('application_name', 'naive', true)"

struct statement {
	const char *sql;
	const char *begin;   /* as `steps` do it */
	const char *success; /* the status of an answer with a row */
	int count;           /* of values */
};

static const struct statement user_by_id = {
	"SELECT " USER_COLUMNS " FROM users WHERE id = $1 AND deleted_at IS NULL",
	"BEGIN READ ONLY;" LIMITS,
	"200 OK",
	1,
};

static const struct statement new_user = {
	"INSERT INTO users (email, name) VALUES ($1, $2) RETURNING " USER_COLUMNS,
	"BEGIN;" LIMITS,
	"201 Created",
	2,
};

static const char welcome[] = "{\"message\":\"naive\",\"status\":\"running\",\"version\":\"1\"}";

/* --- three ways to run a statement: each returns its result, or that of the first failure --- */

static bool
is_success(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK
	       || status == PGRES_PIPELINE_SYNC;
}

/* The failure, or else the later one. */
static PGresult *
worse(PGresult *first, PGresult *second)
{
	bool keep = first && !is_success(first);

	PQclear(keep ? second : first);
	return keep ? first : second;
}

/* One trip, and no limits. */
static PGresult *
bare(PGconn *link, const struct statement *statement, const char *const *values)
{
	return PQexecParams(link, statement->sql, statement->count, NULL, values, NULL, NULL, 0);
}

/* Three trips: each step is waited for. */
static PGresult *
steps(PGconn *link, const struct statement *statement, const char *const *values)
{
	PGresult *result = PQexec(link, statement->begin);
	PGresult *end;

	if (!is_success(result))
		return result;
	PQclear(result);
	result = bare(link, statement, values);
	end = PQexec(link, is_success(result) ? "COMMIT" : "ROLLBACK");
	if (is_success(end)) {
		PQclear(end);
		return result;
	}
	return worse(result, end);
}

/* One trip: the limits, the statement and the commit, which is that of the Sync, are sent at once.
 */
static PGresult *
pipelined(PGconn *link, const struct statement *statement, const char *const *values)
{
	PGresult *answer = NULL;

	if (!PQenterPipelineMode(link)
	    || !PQsendQueryParams(link, LIMITS, 0, NULL, NULL, NULL, NULL, 0)
	    || !PQsendQueryParams(link, statement->sql, statement->count, NULL, values, NULL, NULL,
	                          0)
	    || !PQpipelineSync(link))
		return NULL;
	for (;;) {
		PGresult *next = PQgetResult(link);

		if (PQresultStatus(next) == PGRES_PIPELINE_SYNC) {
			PQclear(next);
			return answer;
		}
		if (next)
			answer = worse(answer, next);
		else if (PQstatus(link) != CONNECTION_OK)
			return answer;
	}
}

typedef PGresult *(*run_fn)(PGconn *link, const struct statement *statement,
                            const char *const *values);

static const struct form {
	const char *name;
	run_fn run;
} forms[] = {
	{ "bare", bare },
	{ "steps", steps },
	{ "pipelined", pipelined },
};

/* --- requests and answers --- */

static void
reply(FCGX_Request *request, const char *status, const char *body)
{
	(void)FCGX_FPrintF(
	    request->out,
	    "Status: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status,
	    (int)strlen(body), body);
}

static void
reply_row(FCGX_Request *request, const char *status, const PGresult *row)
{
	json_object *object = json_object_new_object();

	for (int i = 0; i < PQnfields(row); i++)
		(void)json_object_object_add(object, PQfname(row, i),
		                             json_object_new_string(PQgetvalue(row, 0, i)));
	reply(request, status,
	      json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
	(void)json_object_put(object);
}

static void
answer(FCGX_Request *request, const struct statement *statement, const PGresult *result)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (code && strcmp(code, "23505") == 0)
		reply(request, "409 Conflict", "{}");
	else if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) > 1)
		reply(request, "503 Service Unavailable", "{}");
	else if (PQntuples(result) == 0)
		reply(request, "404 Not Found", "{}");
	else
		reply_row(request, statement->success, result);
}

/* The caller's to put. */
static json_object *
body_of(FCGX_Request *request)
{
	static char body[BODY_MAX_BYTES + 1];
	int size = FCGX_GetStr(body, BODY_MAX_BYTES, request->in);

	body[size] = '\0';
	return json_tokener_parse(body);
}

static const char *
text_in(const json_object *object, const char *name)
{
	json_object *value = NULL;

	if (!json_object_object_get_ex(object, name, &value)
	    || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static void
query(FCGX_Request *request, PGconn *link, run_fn run, const struct statement *statement,
      const char *const *values)
{
	PGresult *result = run(link, statement, values);

	answer(request, statement, result);
	PQclear(result);
}

static void
create_user(FCGX_Request *request, PGconn *link, run_fn run)
{
	json_object *body = body_of(request);
	const char *values[] = { text_in(body, "email"), text_in(body, "name") };

	if (values[0] && values[1])
		query(request, link, run, &new_user, values);
	else
		reply(request, "422 Unprocessable Content", "{}");
	(void)json_object_put(body);
}

/* target is what follows /users. */
static void
answer_users(FCGX_Request *request, PGconn *link, run_fn run, const char *target)
{
	const char *method = FCGX_GetParam("REQUEST_METHOD", request->envp);
	const char *id = target + 1;

	if (method && strcmp(method, "POST") == 0)
		create_user(request, link, run);
	else if (*target == '/')
		query(request, link, run, &user_by_id, &id);
	else
		reply(request, "404 Not Found", "{}");
}

static void
serve(bool persistent, run_fn run)
{
	const char *url = getenv("DATABASE_URL");
	PGconn *link = NULL;
	FCGX_Request request;

	(void)FCGX_Init();
	(void)FCGX_InitRequest(&request, STDIN_FILENO, 0);
	while (FCGX_Accept_r(&request) == 0) {
		const char *target = FCGX_GetParam("REQUEST_URI", request.envp);

		if (!target || strncmp(target, USERS, strlen(USERS)) != 0) {
			reply(&request, "200 OK", welcome);
			continue;
		}
		if (!link)
			link = PQconnectdb(url ? url : "");
		answer_users(&request, link, run, target + strlen(USERS));
		if (!persistent) {
			FCGX_Finish_r(&request);
			PQfinish(link);
			link = NULL;
		}
	}
}

int
main(int argc, char **argv)
{
	run_fn run = NULL;

	for (size_t i = 0; argc == 4 && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(argv[3], forms[i].name) == 0)
			run = forms[i].run;
	if (!run)
		return 64;
	for (int left = atoi(argv[1]); left > 0; left--)
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
			serve(strcmp(argv[2], "persistent") == 0, run);
			return 1;
		}
	while (wait(NULL) > 0)
		continue;
	return 0;
}
