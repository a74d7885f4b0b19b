#include "doctor/doctor.h"

#include "base/mem.h"
#include "doctor/checks.h"

static bool
check_settings(struct checks *checks)
{
	const struct settings *settings = checks->settings;
	const char *faults = checks->options->faults;

	if (faults)
		return checklist_tell(&checks->found, false, "settings",
		                      "see README.md, Settings; --settings shows what is read",
		                      "%.*s", (int)strcspn(faults, "\n"), faults);
	return checklist_tell(&checks->found, true, "settings", NULL, "ENV=%s, mode %s, %s%s%.*s",
	                      environment_names[settings->env],
	                      connection_names[settings->database_connection],
	                      settings->database.redacted, *settings->warnings ? "; ignored: " : "",
	                      (int)strcspn(settings->warnings, "\n"), settings->warnings);
}

static bool
prepare(struct checks *checks)
{
	const struct settings *settings = checks->settings;
	struct transaction_options options = {
		.mode = NP_TX_READ,
		.deadline = deadline_in_ms(
		    (settings->database_connect_timeout_s + settings->request_timeout_s) * 1000),
		.command_timeout_s = settings->database_command_timeout_s,
		.endpoint = checks->options->name,
		.request_id = "doctor",
	};
	struct error err;

	checks->app = mem_new(checks->scope, struct app);
	if (!app_init(checks->scope, checks->app, checks->options->name, checks->options->routes,
	              settings, &err))
		return checklist_tell(&checks->found, false, "program",
		                      "it does not start with these settings", "%s", err.message);
	options.connector = checks->app->connector;
	checks->tx = transaction_new(checks->scope, &options);
	return true;
}

static void
examine(struct checks *checks)
{
	if (!check_settings(checks) || !prepare(checks))
		return;
	check_connection(checks);
	transaction_close(checks->tx);
	check_redis(checks);
	check_nginx(checks);
}

bool
doctor_run(const struct doctor_options *options)
{
	struct checks checks = { .options = options, .settings = options->settings };
	bool well;

	checks.scope = mem_scope(mem_process(), "doctor");
	checklist_init(&checks.found, checks.scope, options->json);
	examine(&checks);
	checklist_print(&checks.found);
	well = !checks.found.first;
	mem_free(checks.scope);
	return well;
}
