/* naive - what nullpool is measured against: libfcgi and libpq as their manuals show them, and nothing else
 *
 * naive WORKERS kept|each, with a listening socket as standard input and DATABASE_URL in the environment. It forks
 * all its workers at once. GET / is a constant, GET /users/{id} a row as JSON, over a connection that the worker
 * keeps (kept) or that each request opens (each). It checks nothing, logs nothing and recovers from nothing.
 */
#include <fcgiapp.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define USERS "/users/"

static const char welcome[] = "{\"message\":\"naive\",\"status\":\"running\",\"version\":\"1\"}";

static const char user_by_id[] =
    "SELECT row_to_json(u) FROM (SELECT id, email, name, created_at, updated_at FROM users"
    " WHERE id = $1 AND deleted_at IS NULL) u";

static void
reply(FCGX_Request *request, const char *status, const char *body)
{
	(void)FCGX_FPrintF(request->out,
	                   "Status: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
	                   status, (int)strlen(body), body);
}

static void
show_user(FCGX_Request *request, PGconn *link, const char *id)
{
	PGresult *user = PQexecParams(link, user_by_id, 1, NULL, &id, NULL, NULL, 0);

	if (PQresultStatus(user) != PGRES_TUPLES_OK)
		reply(request, "503 Service Unavailable", "{}");
	else if (PQntuples(user) == 0)
		reply(request, "404 Not Found", "{}");
	else
		reply(request, "200 OK", PQgetvalue(user, 0, 0));
	PQclear(user);
}

static void
serve(bool kept)
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
		show_user(&request, link, target + strlen(USERS));
		if (!kept) {
			FCGX_Finish_r(&request);
			PQfinish(link);
			link = NULL;
		}
	}
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	for (int left = atoi(argv[1]); left > 0; left--)
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
			serve(strcmp(argv[2], "kept") == 0);
			return 1;
		}
	while (wait(NULL) > 0)
		continue;
	return 0;
}
