/* main.c - np_main(): what started this program, and what does it want? */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "base/exit_code.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/backends.h"
#include "command/cli.h"
#include "command/top.h"
#include "db/keywords.h"
#include "doctor/doctor.h"
#include "http/openapi.h"
#include "http/table.h"
#include "http/table_end.h"
#include "serve/cgi.h"
#include "serve/fcgi.h"
#include "serve/master.h"

#define PRINT_MAX_BYTES (1 << 20)
#define POOL_REQUESTS   5
/* The first of the sockets that systemd passes. */
#define LISTEN_FDS_START 3

struct program {
	const char *name;
	const struct np_route *routes;
	struct settings *settings;
};

static void
print_help(FILE *to, const char *name)
{
	(void)fprintf(
	    to,
	    "usage: %s METHOD TARGET     answer one request, its body from standard input\n"
	    "       %s --openapi         print the OpenAPI description of this program\n"
	    "       %s --settings        print the settings and where each came from\n"
	    "       %s --check           say whether it could serve: 0, or 78 and what is wrong\n"
	    "       %s --doctor[=json]   check all that a request needs: 0, or 1 and what to mend\n"
	    "       %s --pool[=5]        so many reads, and which server process had each\n"
	    "       %s --top [DIRECTORY] show what all endpoints do, each second; q ends it\n"
	    "       %s --version | --help\n"
	    "\n"
	    "With a listening socket, as standard input or from systemd, it serves FastCGI; with\n"
	    "GATEWAY_INTERFACE in the environment it answers one CGI request.\n",
	    name, name, name, name, name, name, name, name);
}

/* For a person, the lines as they are; for a server's log, a JSON line for each. */
static void
report_lines(const char *lines, bool to_log, enum log_level level, const char *event)
{
	if (!to_log)
		(void)fputs(lines, stderr);
	for (size_t size; to_log && *lines; lines += size + 1) {
		size = strcspn(lines, "\n");
		log_printf(level, event, "%.*s", (int)size, lines);
	}
}

/* A core dump, and what a debugger sees, has the passwords in it. In production there is none of
 * either: this also keeps /proc/PID/mem and environ from others of the same user, which a limit for
 * core dumps would not (and a core_pattern that is a program is not bound by one). Elsewhere it
 * would be in the way of gdb. */
static void
guard_secrets(const struct settings *settings)
{
	settings_hide_environment();
	if (settings->env == ENV_PRODUCTION)
		(void)prctl(PR_SET_DUMPABLE, 0);
}

/* The settings may have faults: those are what it is asked for. */
static int
run_doctor(struct program *program, bool json)
{
	struct doctor_options options = { .name = program->name,
		                          .routes = program->routes,
		                          .json = json };
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf faults;

	buf_init(&faults, mem_process(), PRINT_MAX_BYTES);
	if (!settings_read(mem_process(), environ, settings, &faults))
		options.faults = faults.data;
	guard_secrets(settings);
	options.settings = settings;
	log_setup(program->name, LOG_ERROR);
	keywords_clean_environment();
	return doctor_run(&options) ? EXIT_DONE : EXIT_SICK;
}

static bool
read_settings(struct program *program, bool to_log)
{
	struct buf faults;

	program->settings = mem_new(mem_process(), struct settings);
	buf_init(&faults, mem_process(), PRINT_MAX_BYTES);
	if (!settings_read(mem_process(), environ, program->settings, &faults)) {
		report_lines(faults.data, to_log, LOG_ERROR, "wrong setting");
		return false;
	}
	log_setup(program->name, (enum log_level)program->settings->log_level);
	log_set_format((enum log_format)program->settings->log_format);
	guard_secrets(program->settings);
	keywords_clean_environment();
	return true;
}

static int
print_settings(struct program *program)
{
	struct buf out;

	if (!read_settings(program, false))
		return EXIT_SETTINGS;
	buf_init(&out, mem_process(), PRINT_MAX_BYTES);
	settings_print(program->settings, &out);
	(void)fputs(out.data, stdout);
	report_lines(program->settings->warnings, false, LOG_WARNING, "");
	return EXIT_DONE;
}

static int
print_openapi(const struct program *program)
{
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf out, faults;

	/* Of the settings only the name of the application is wanted, and that has no faults. */
	buf_init(&faults, mem_process(), PRINT_MAX_BYTES);
	(void)!settings_read(mem_process(), environ, settings, &faults);
	buf_init(&out, mem_process(), PRINT_MAX_BYTES);
	openapi_write(settings->app_name, program->name, program->routes, &out);
	(void)puts(out.data);
	return EXIT_DONE;
}

static struct app *
new_app(const struct program *program)
{
	struct app *app = mem_new(mem_process(), struct app);
	struct error err;

	if (app_init(mem_process(), app, program->name, program->routes, program->settings, &err))
		return app;
	log_printf(LOG_ERROR, "could not start", "%s", err.message);
	return NULL;
}

static int
run_cli(struct program *program, const char *method, const char *target)
{
	struct app *app;

	if (!read_settings(program, false))
		return EXIT_SETTINGS;
	/* The log shares the terminal with the answer: only what matters. */
	if (!program->settings->debug)
		log_setup(program->name, LOG_WARNING);
	app = new_app(program);
	return app ? cli_run(app, method, target) : EXIT_SETTINGS;
}

/* --pool, or --pool=N */
static int
run_pool(struct program *program, const char *count)
{
	int64_t requests = POOL_REQUESTS;
	struct app *app;

	if (*count
	    && (!parse_int(count + 1, &requests) || requests < 1
	        || requests > REUSE_REQUESTS_MAX)) {
		print_help(stderr, program->name);
		return EXIT_USAGE;
	}
	if (!read_settings(program, false))
		return EXIT_SETTINGS;
	log_setup(program->name, LOG_ERROR);
	app = new_app(program);
	if (!app)
		return EXIT_SETTINGS;
	return backends_run(app, requests) ? EXIT_DONE : EXIT_SICK;
}

static int
run_cgi(struct program *program)
{
	struct app *app = read_settings(program, true) ? new_app(program) : NULL;

	if (app)
		return cgi_run(app);
	(void)fputs(
	    "Status: 500 Internal Server Error\r\nContent-Type: application/problem+json\r\n\r\n"
	    "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\",\"status\":500}",
	    stdout);
	return EXIT_SETTINGS;
}

static int
serve(struct program *program, int listener, const char *argv0)
{
	struct master_options options = {
		.name = program->name,
		.routes = program->routes,
		.listener = listener,
		.argv0 = argv0,
	};

	if (!read_settings(program, true))
		return EXIT_SETTINGS;
	report_lines(program->settings->warnings, true, LOG_WARNING, "setting ignored");
	/* Not for the app itself, which each worker makes: for what is wrong with it, before any is
	 * forked. */
	if (!new_app(program))
		return EXIT_SETTINGS;
	options.settings = program->settings;
	return master_run(&options);
}

/* Whoever waits in the socket is answered before the program ends: systemd would start it again for
 * them, in vain. */
static int
run_fastcgi(struct program *program, int listener, const char *argv0)
{
	int code;

	master_block_signals();
	code = serve(program, listener, argv0);
	if (code == EXIT_SETTINGS)
		fcgi_refuse_waiting(listener);
	return code;
}

/* As serve() begins; what a master asks of a new program file before it gives way to it. */
static int
run_check(struct program *program)
{
	return read_settings(program, true) && new_app(program) ? EXIT_DONE : EXIT_SETTINGS;
}

static int
run_option(struct program *program, const char *option)
{
	if (strcmp(option, "--openapi") == 0)
		return print_openapi(program);
	if (strcmp(option, "--settings") == 0)
		return print_settings(program);
	if (strcmp(option, "--check") == 0)
		return run_check(program);
	if (strcmp(option, "--doctor") == 0 || strcmp(option, "--doctor=json") == 0)
		return run_doctor(program, strcmp(option, "--doctor") != 0);
	if (strcmp(option, "--pool") == 0 || text_starts(option, "--pool="))
		return run_pool(program, option + strlen("--pool"));
	if (strcmp(option, "--top") == 0)
		return top_run(NULL) ? EXIT_DONE : EXIT_USAGE;
	if (strcmp(option, "--version") == 0) {
		(void)printf("%s %s\n", program->name, NP_VERSION);
		return EXIT_DONE;
	}
	if (strcmp(option, "--help") == 0) {
		print_help(stdout, program->name);
		return EXIT_DONE;
	}
	print_help(stderr, program->name);
	return EXIT_USAGE;
}

static bool
is_listening(int fd)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

/* The socket to serve: the first that systemd passed (sd_listen_fds(3)), or standard input; -1:
 * there is none. */
static int
find_listener(void)
{
	const char *owner_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
	int64_t owner, count;

	if (owner_text && parse_int(owner_text, &owner) && owner == getpid() && count_text
	    && parse_int(count_text, &count) && count > 0 && is_listening(LISTEN_FDS_START))
		return LISTEN_FDS_START;
	return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

static int
run(struct program *program, int argc, char **argv)
{
	const char *fault = table_end_fault(mem_process(), program->routes);

	if (!fault)
		fault = table_fault(mem_process(), program->name, program->routes);
	if (fault) {
		log_printf(LOG_ERROR, "wrong table of routes", "%s", fault);
		return EXIT_INTERNAL;
	}
	if (argc == 1 && find_listener() >= 0)
		return run_fastcgi(program, find_listener(), argv[0]);
	/* Before the arguments: a CGI server may pass a query as those (RFC 3875 4.4), and
	 * ?DELETE+/users/1 is none. */
	if (getenv("GATEWAY_INTERFACE"))
		return run_cgi(program);
	if (argc == 2)
		return run_option(program, argv[1]);
	if (argc == 3 && strcmp(argv[1], "--top") == 0)
		return top_run(argv[2]) ? EXIT_DONE : EXIT_USAGE;
	if (argc == 3)
		return run_cli(program, argv[1], argv[2]);
	print_help(stderr, program->name);
	return EXIT_USAGE;
}

int
np_main(int argc, char **argv, const char *name, const struct np_route *routes)
{
	struct program program = { .name = name, .routes = routes };
	int code;

	log_setup(name, LOG_INFO);
	/* A peer that is gone is an error to handle, for libpq, hiredis and standard output alike.
	 */
	(void)signal(SIGPIPE, SIG_IGN);
	code = hash_init() ? run(&program, argc, argv) : EXIT_INTERNAL;
	mem_end();
	return code;
}
