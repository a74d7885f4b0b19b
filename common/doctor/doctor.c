#include "doctor/doctor.h"

#include "app/signing_keys.h"
#include "base/clock.h"
#include "base/mem.h"
#include "doctor/checks.h"

/* How long an issuer may take to answer with its keys. */
#define ISSUER_MAX_MS 5000

static bool
check_settings(struct doctor *doctor)
{
	const struct settings *settings = doctor->settings;
	const char *errors = doctor->options->setting_errors;

	if (errors)
		return checklist_add(&doctor->checklist, false, "settings",
		                     "see README.md, Settings; --settings prints those in use",
		                     "%.*s", (int)strcspn(errors, "\n"), errors);
	return checklist_add(&doctor->checklist, true, "settings", NULL,
	                     "ENV=%s, mode %s, %s%s%.*s", environment_names[settings->env],
	                     connection_names[settings->database_connection],
	                     settings->database.redacted, *settings->warnings ? "; ignored: " : "",
	                     (int)strcspn(settings->warnings, "\n"), settings->warnings);
}

static bool
begin_transaction(struct doctor *doctor)
{
	const struct settings *settings = doctor->settings;
	struct transaction_options options = {
		.mode = NP_TX_READ,
		.deadline = deadline_in_ms(
		    (settings->database_connect_timeout_s + settings->request_timeout_s) * 1000),
		.command_timeout_s = settings->database_command_timeout_s,
		.endpoint = doctor->options->name,
		.request_id = "doctor",
	};
	struct error err;

	doctor->app = mem_new(doctor->scope, struct app);
	if (!app_init(doctor->scope, doctor->app, doctor->options->name, doctor->options->routes,
	              settings, &err))
		return checklist_add(&doctor->checklist, false, "program",
		                     "the program does not start with these settings", "%s",
		                     err.message);
	options.connector = doctor->app->connector;
	doctor->tx = transaction_new(doctor->scope, &options);
	return true;
}

static void
check_redis(struct doctor *doctor)
{
	struct cache *cache = doctor->app->cache;
	int64_t start_us = clock_now_us();
	bool ok;

	if (!cache)
		return;
	ok = cache_ping(cache, deadline_in_ms(doctor->settings->redis_timeout_ms));
	(void)checklist_add(&doctor->checklist, ok, "redis",
	                    ok ? NULL
	                       : "no response is cached until Redis answers: check REDIS_URL and "
	                         "REDIS_TIMEOUT_MS",
	                    "%s, %.1f ms", ok ? "answers" : cache_last_error(cache),
	                    clock_ms(clock_now_us() - start_us));
}

static void
check_issuer(struct doctor *doctor)
{
	int64_t start_us = clock_now_us();
	struct error err;
	size_t count;

	if (!doctor->settings->jwt_jwks)
		return;
	if (signing_keys_try(doctor->settings, deadline_in_ms(ISSUER_MAX_MS), &count, &err))
		(void)checklist_add(&doctor->checklist, true, "issuer", NULL,
		                    "%zu keys for signatures, %.1f ms", count,
		                    clock_ms(clock_now_us() - start_us));
	else
		(void)checklist_add(
		    &doctor->checklist, false, "issuer",
		    "a program does not start with a file that it cannot use, and"
		    " answers 503 to tokens until it can read a URL: check JWT_JWKS",
		    "%s", err.message);
}

static void
run_checks(struct doctor *doctor)
{
	if (!check_settings(doctor) || !begin_transaction(doctor))
		return;
	check_connection(doctor);
	transaction_close(doctor->tx);
	check_redis(doctor);
	check_issuer(doctor);
	check_nginx(doctor);
}

bool
doctor_run(const struct doctor_options *options)
{
	struct doctor doctor = { .options = options, .settings = options->settings };
	bool passed;

	doctor.scope = mem_scope(mem_process(), "doctor");
	checklist_init(&doctor.checklist, doctor.scope, options->json);
	run_checks(&doctor);
	checklist_print(&doctor.checklist);
	passed = !doctor.checklist.first_failed;
	mem_free(doctor.scope);
	return passed;
}
