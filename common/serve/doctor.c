#include "serve/doctor.h"

#include "base/mem.h"
#include "serve/examine.h"

static bool
check_settings(struct examined *examined)
{
	const struct settings *settings = examined->settings;
	const char *faults = examined->options->faults;

	if (faults)
		return findings_tell(&examined->found, false, "settings",
		                     "see README.md, Settings; --settings shows what is read", "%.*s",
		                     (int)strcspn(faults, "\n"), faults);
	return findings_tell(&examined->found, true, "settings", NULL, "ENV=%s, mode %s, %s%s%.*s",
	                     environment_names[settings->env],
	                     connection_names[settings->database_connection], settings->database.redacted,
	                     *settings->warnings ? "; ignored: " : "", (int)strcspn(settings->warnings, "\n"),
	                     settings->warnings);
}

static bool
prepare(struct examined *examined)
{
	const struct settings *settings = examined->settings;
	struct transaction_options options = {
		.mode = NP_TX_READ,
		.deadline = deadline_in_ms(
		    (settings->database_connect_timeout_s + settings->request_timeout_s) * 1000),
		.command_timeout_s = settings->database_command_timeout_s,
		.endpoint = examined->options->name,
		.request_id = "doctor",
	};
	struct error err;

	examined->app = mem_new(examined->scope, struct app);
	if (!app_init(examined->scope, examined->app, examined->options->name, examined->options->routes,
	              settings, &err))
		return findings_tell(&examined->found, false, "program",
		                     "it does not start with these settings", "%s", err.message);
	options.connector = examined->app->connector;
	examined->tx = transaction_new(examined->scope, &options);
	return true;
}

static void
examine(struct examined *examined)
{
	if (!check_settings(examined) || !prepare(examined))
		return;
	examine_way(examined);
	transaction_close(examined->tx);
	examine_redis(examined);
	examine_nginx(examined);
}

bool
doctor_run(const struct doctor_options *options)
{
	struct examined examined = { .options = options, .settings = options->settings };
	bool well;

	examined.scope = mem_scope(mem_process(), "doctor");
	findings_init(&examined.found, examined.scope, options->json);
	examine(&examined);
	findings_print(&examined.found);
	well = !examined.found.first;
	mem_free(examined.scope);
	return well;
}
