/* main.c - np_main(): finds out how the program was started, and does what is asked
 *
 * With a listening socket it serves FastCGI; with GATEWAY_INTERFACE in the environment it answers
 * one CGI request; else its arguments say what to do.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "app/signing_keys.h"
#include "base/exit_code.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/api_key.h"
#include "command/backends.h"
#include "command/cli.h"
#include "command/top.h"
#include "db/keywords.h"
#include "doctor/doctor.h"
#include "http/nginx_bodies.h"
#include "http/openapi.h"
#include "http/table.h"
#include "serve/cgi.h"
#include "serve/fcgi.h"
#include "serve/master.h"

#define PRINT_MAX_BYTES (1 << 20)
/* The first of the sockets that systemd passes. */
#define LISTEN_FDS_START 3

struct program {
	const char *name;
	const struct route_table *routes;
	const struct np_settings *own_settings; /* NULL: none */
	struct settings *settings;
};

static void print_usage(FILE *to, const char *name);

static int
refuse_arguments(const struct program *program)
{
	print_usage(stderr, program->name);
	return EXIT_USAGE;
}

/* --- settings --- */

/* Prints lines as they are for a person, or logs each of them. */
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

/* Core dumps and debuggers show passwords, so production has neither. PR_SET_DUMPABLE also keeps
 * /proc/PID/mem and environ from other processes of the same user. A limit for core dumps would not
 * do that, and it does not apply if core_pattern is a program. Elsewhere it would only hinder gdb.
 */
static void
guard_secrets(const struct settings *settings)
{
	settings_hide_environment(settings->own.declared);
	if (settings->env == ENV_PRODUCTION)
		(void)prctl(PR_SET_DUMPABLE, 0);
}

static bool
read_settings(struct program *program, bool to_log)
{
	struct buf errors;

	program->settings = mem_new(mem_process(), struct settings);
	buf_init(&errors, mem_process(), PRINT_MAX_BYTES);
	if (!settings_read(mem_process(), environ, program->own_settings, program->settings,
	                   &errors)) {
		report_lines(errors.data, to_log, LOG_ERROR, "wrong setting");
		return false;
	}
	log_setup(program->name, (enum log_level)program->settings->log_level);
	log_set_format((enum log_format)program->settings->log_format);
	guard_secrets(program->settings);
	keywords_clean_environment();
	return true;
}

/* A file that cannot be used is a wrong setting of a program that starts. Later it may be away for
 * a moment. */
static bool
check_key_file(const struct settings *settings, struct error *err)
{
	size_t count;

	return !settings->jwt_jwks || signing_keys_are_remote(settings)
	       || signing_keys_try(settings, DEADLINE_NEVER, &count, err);
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

/* Of a program that begins to serve, or is asked whether it could. */
static struct app *
new_serving_app(const struct program *program)
{
	struct app *app = new_app(program);
	struct error err;

	if (!app || check_key_file(program->settings, &err))
		return app;
	log_printf(LOG_ERROR, "could not start", "%s", err.message);
	return NULL;
}

/* --- options; value: what follows "=", or the next argument; NULL: there is none --- */

/* For what describes the API: its name and prefix. What else is wrong does not matter there. */
static const struct settings *
settings_of_api(void)
{
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf errors;

	buf_init(&errors, mem_process(), PRINT_MAX_BYTES);
	(void)!settings_read(mem_process(), environ, NULL, settings, &errors);
	return settings;
}

static int
print_openapi(struct program *program, const char *value)
{
	const struct settings *settings = settings_of_api();
	struct buf out;

	(void)value;
	buf_init(&out, mem_process(), PRINT_MAX_BYTES);
	openapi_write(&(struct openapi_program){ settings->app_name, settings->api_prefix,
	                                         program->name, program->routes },
	              &out);
	(void)puts(out.data);
	return EXIT_DONE;
}

static int
print_nginx(struct program *program, const char *value)
{
	struct buf out;

	(void)value;
	buf_init(&out, mem_process(), PRINT_MAX_BYTES);
	nginx_bodies_write(program->name, settings_of_api()->api_prefix, program->routes, &out);
	(void)fputs(out.data ? out.data : "", stdout);
	return EXIT_DONE;
}

static int
print_settings(struct program *program, const char *value)
{
	struct buf out;

	(void)value;
	if (!read_settings(program, false))
		return EXIT_SETTINGS;
	buf_init(&out, mem_process(), PRINT_MAX_BYTES);
	settings_print(program->settings, &out);
	(void)fputs(out.data, stdout);
	report_lines(program->settings->warnings, false, LOG_WARNING, "");
	return EXIT_DONE;
}

/* Does what run_master() does before it serves. A master asks this of a new program file before it
 * replaces itself. */
static int
run_check(struct program *program, const char *value)
{
	(void)value;
	return read_settings(program, true) && new_serving_app(program) ? EXIT_DONE : EXIT_SETTINGS;
}

/* Wrong settings do not end it: they are the result of its first check. */
static int
run_doctor(struct program *program, const char *value)
{
	struct doctor_options options = { .name = program->name,
		                          .routes = program->routes,
		                          .json = value != NULL };
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf errors;

	if (value && strcmp(value, "json") != 0)
		return refuse_arguments(program);
	buf_init(&errors, mem_process(), PRINT_MAX_BYTES);
	if (!settings_read(mem_process(), environ, program->own_settings, settings, &errors))
		options.setting_errors = errors.data;
	guard_secrets(settings);
	options.settings = settings;
	log_setup(program->name, LOG_ERROR);
	keywords_clean_environment();
	return doctor_run(&options) ? EXIT_DONE : EXIT_FAILED;
}

/* For a person, who wants to see errors only. */
static struct app *
quiet_app(struct program *program)
{
	if (!read_settings(program, false))
		return NULL;
	log_setup(program->name, LOG_ERROR);
	return new_app(program);
}

static int
run_backends(struct program *program, const char *value)
{
	int64_t reads = BACKENDS_READS;
	struct app *app;

	if (value && (!parse_int(value, &reads) || reads < 1 || reads > BACKENDS_READS_MAX))
		return refuse_arguments(program);
	app = quiet_app(program);
	if (!app)
		return EXIT_SETTINGS;
	return backends_run(app, reads) ? EXIT_DONE : EXIT_FAILED;
}

static int
run_new_api_key(struct program *program, const char *value)
{
	struct app *app;

	if (!value || !*value || *value == ' ')
		return refuse_arguments(program);
	app = quiet_app(program);
	if (!app)
		return EXIT_SETTINGS;
	return api_key_new(app, value) ? EXIT_DONE : EXIT_FAILED;
}

static int
run_top(struct program *program, const char *value)
{
	(void)program;
	return top_run(value) ? EXIT_DONE : EXIT_USAGE;
}

static int
print_version(struct program *program, const char *value)
{
	(void)value;
	(void)printf("%s %s\n", program->name, NP_VERSION);
	return EXIT_DONE;
}

static int
print_help(struct program *program, const char *value)
{
	(void)value;
	print_usage(stdout, program->name);
	return EXIT_DONE;
}

static const struct option {
	const char *name;
	const char *value; /* "[=5]" follows the name; " [DIRECTORY]" is the next argument */
	const char *help;
	int (*run)(struct program *program, const char *value);
} known_options[] = {
	{ "--openapi", "", "print the OpenAPI description of this program", print_openapi },
	{ "--nginx", "", "print what nginx needs to know of larger bodies", print_nginx },
	{ "--settings", "", "print the settings and where each came from", print_settings },
	{ "--check", "", "say whether it could serve: 0, or 78 and what is wrong", run_check },
	{ "--doctor", "[=json]", "check all that a request needs: 0, or 1 and what to fix",
	  run_doctor },
	{ "--backends", "[=5]", "print which server process answers each of some reads",
	  run_backends },
	{ "--new-api-key", "[=NAME ...]",
	  "print a new API key of this name, with the scopes that follow it", run_new_api_key },
	{ "--top", " [DIRECTORY]", "show what all endpoints do, each second; q ends it", run_top },
	{ "--version", "", "print the version", print_version },
	{ "--help", "", "print this text", print_help },
};

static void
print_usage(FILE *to, const char *name)
{
	(void)fprintf(
	    to,
	    "usage: %s METHOD TARGET            answer one request, its body from standard input\n",
	    name);
	for (size_t i = 0; i < COUNT_OF(known_options); i++)
		(void)fprintf(to, "       %s %s%-*s %s\n", name, known_options[i].name,
		              24 - (int)strlen(known_options[i].name), known_options[i].value,
		              known_options[i].help);
	(void)fputs(
	    "\n"
	    "With a listening socket, as standard input or from systemd, it serves FastCGI;\n"
	    "with GATEWAY_INTERFACE in the environment it answers one CGI request.\n",
	    to);
}

/* Finds the value of an option in "--name=value". Returns false if the argument is not the option.
 */
static bool
match_option(const struct option *option, const char *argument, const char **value)
{
	size_t size = strlen(option->name);

	*value = NULL;
	if (!text_starts(argument, option->name))
		return false;
	if (argument[size] == '=' && text_starts(option->value, "[="))
		*value = argument + size + 1;
	return argument[size] == '\0' || *value;
}

static int
run_option(struct program *program, const char *argument)
{
	const char *value;

	for (size_t i = 0; i < COUNT_OF(known_options); i++)
		if (match_option(&known_options[i], argument, &value))
			return known_options[i].run(program, value);
	return refuse_arguments(program);
}

/* --- requests --- */

static int
run_cli(struct program *program, const char *method, const char *target)
{
	struct app *app;

	if (!read_settings(program, false))
		return EXIT_SETTINGS;
	/* The log shares the terminal with the response, so it shows warnings and errors only. */
	if (!program->settings->debug)
		log_setup(program->name, LOG_WARNING);
	app = new_serving_app(program);
	return app ? cli_run(app, method, target) : EXIT_SETTINGS;
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
run_master(struct program *program, int listener, const char *argv0)
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
	/* Each worker makes its own app. This one finds what is wrong with it before the first
	 * fork.
	 */
	if (!new_serving_app(program))
		return EXIT_SETTINGS;
	options.settings = program->settings;
	return master_run(&options);
}

/* Answers connections that wait in the socket before the program ends: otherwise systemd would
 * start it again for them, with the same result. */
static int
run_fastcgi(struct program *program, int listener, const char *argv0)
{
	int code;

	master_block_signals();
	code = run_master(program, listener, argv0);
	if (code == EXIT_SETTINGS)
		fcgi_refuse_waiting(listener);
	return code;
}

/* --- the start --- */

static bool
is_listening(int fd)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

/* Returns the socket to serve: the first that systemd passed (sd_listen_fds(3)), or standard input.
 * Returns -1 if neither is listening. */
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
run_program(struct program *program, int argc, char **argv)
{
	const char *fault = table_fault(mem_process(), program->name, program->routes);
	const char *setting_fault = settings_fault(mem_process(), program->own_settings);
	int listener = argc == 1 ? find_listener() : -1;

	if (fault) {
		log_printf(LOG_ERROR, "wrong table of routes", "%s", fault);
		return EXIT_INTERNAL;
	}
	if (setting_fault) {
		log_printf(LOG_ERROR, "wrong table of settings", "%s", setting_fault);
		return EXIT_INTERNAL;
	}
	if (listener >= 0)
		return run_fastcgi(program, listener, argv[0]);
	/* Before the arguments, since a CGI server may pass a query as arguments (RFC 3875 4.4):
	 * ?DELETE+/users/1 must not be a request from the shell. */
	if (getenv("GATEWAY_INTERFACE"))
		return run_cgi(program);
	if (argc == 2)
		return run_option(program, argv[1]);
	if (argc == 3 && strcmp(argv[1], "--top") == 0)
		return run_top(program, argv[2]);
	if (argc == 3)
		return run_cli(program, argv[1], argv[2]);
	return refuse_arguments(program);
}

const char *
np_version(void)
{
	return NP_VERSION;
}

static bool
is_same_header(size_t route_bytes, int version)
{
	if (route_bytes == sizeof(struct np_route) && version == NP_VERSION_NUMBER)
		return true;
	log_printf(
	    LOG_ERROR, "wrong version",
	    "the program was compiled with another nullpool.h (%d.%d.%d, routes of %zu bytes)"
	    " than its libnullpool (%s, %zu bytes): compile it again",
	    version / 10000, version / 100 % 100, version % 100, route_bytes, NP_VERSION,
	    sizeof(struct np_route));
	return false;
}

int
np_main_versioned(int argc, char **argv, const char *name, const struct np_route *routes,
                  size_t count, size_t route_bytes, const struct np_settings *settings, int version)
{
	const struct route_table table = { routes, count };
	struct program program = { .name = name, .routes = &table, .own_settings = settings };
	int code;

	log_setup(name, LOG_INFO);
	if (!is_same_header(route_bytes, version))
		return EXIT_SETTINGS;
	/* libpq, hiredis and standard output return an error if their peer is gone. */
	(void)signal(SIGPIPE, SIG_IGN);
	code = hash_init() ? run_program(&program, argc, argv) : EXIT_INTERNAL;
	mem_end();
	return code;
}
