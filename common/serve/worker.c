#include "serve/worker.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "observe/counters.h"
#include "observe/otlp_spans.h"
#include "serve/backtrace.h"
#include "serve/fcgi.h"
#include "serve/idle.h"
#include "serve/sandbox.h"

static struct slot *own_slot; /* for what app/ tells us in the middle of a request */

/* The master need not look at the listener while somebody is idle; the last one to become busy says
 * so, if there may be more. */
static void
tell_master(const struct worker_options *options)
{
	const uint64_t one = 1;
	const struct scoreboard_plan *plan = scoreboard_plan();
	size_t alive = plan->slots - scoreboard_count(SLOT_FREE);
	bool full = alive >= (size_t)plan->pool_size + (size_t)plan->max_overflow;

	if ((scoreboard_count(SLOT_IDLE) == 0 && !full) || atomic_load(&own_slot->draining) != 0)
		(void)!write(options->busy_event, &one, sizeof(one));
}

static void
describe(const char *method, const char *route, const char *request_id)
{
	slot_describe(own_slot, method, route, request_id);
}

/* False: it was the last one. */
static bool
answer(const struct worker_options *options, struct idle *idle, int fd, bool last)
{
	struct deadline deadline = deadline_in_ms(options->app->settings->request_timeout_s * 1000);

	atomic_store(&own_slot->deadline_us, deadline.at_us);
	slot_describe(own_slot, "-", "-", "-");
	atomic_store(&own_slot->draining, last);
	slot_set(own_slot, SLOT_BUSY);
	tell_master(options);
	idle_end(idle);
	fcgi_answer(options->app, fd, deadline);
	atomic_fetch_add(&own_slot->requests, 1);
	if (last)
		return false;
	if (app_is_tainted(options->app)) {
		log_printf(LOG_WARNING, "worker leaves",
		           "no connection could be opened in it yet; a fresh one may");
		return false;
	}
	idle_begin(idle);
	return true;
}

bool
worker_run(const struct worker_options *options)
{
	struct idle idle = { .app = options->app,
		             .slot = options->slot,
		             .listener = options->listener,
		             .ready_event = options->ready_event };
	int64_t left = options->max_requests > 0 ? options->max_requests : INT64_MAX;
	bool begun;
	int fd;

	own_slot = options->slot;
	fcgi_know_clock();
	options->app->describe = describe;
	options->app->record_request = counters_record_request;
	options->app->may_explain = counters_may_explain;
	otlp_spans_set_socket(options->spans);
	options->app->wants_spans = otlp_spans_are_wanted;
	options->app->export_spans = otlp_spans_export;
	backtrace_on_abort(own_slot);
	begun = idle_open(&idle);
	if (!begun) {
		log_printf(LOG_ERROR, "could not start a worker", "%s", strerror(errno));
	} else {
		app_prepare(options->app);
		sandbox_enter(own_slot);
		idle_begin(&idle);
		while ((fd = idle_wait(&idle, options->idle_timeout_s)) >= 0
		       && answer(options, &idle, fd, --left == 0))
			;
		/* One that was opened ahead goes unused now. */
		app_drop_ahead(options->app);
		counters_flush(options->app);
	}
	idle_close(&idle);
	return begun;
}
