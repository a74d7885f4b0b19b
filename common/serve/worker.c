#include "serve/worker.h"

#include <errno.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "observe/counters.h"
#include "observe/otlp_spans.h"
#include "serve/backtrace.h"
#include "serve/events.h"
#include "serve/fcgi.h"
#include "serve/idle.h"
#include "serve/key_board.h"
#include "serve/queue_wait.h"
#include "serve/sandbox.h"

/* A process is one worker: what app/ calls in the middle of a request has no other way to it. */
static struct slot *own_slot;

/* --- what app/ asks of a worker --- */

static struct app_pool
pool_figures(void)
{
	return (struct app_pool){
		.size = scoreboard_plan()->pool_size,
		.overflow = (int64_t)scoreboard_overflow(),
		.checked_out = (int64_t)scoreboard_count(SLOT_BUSY),
	};
}

static void
describe_request(const char *method, const char *route, const char *request_id)
{
	slot_describe(own_slot, method, route, request_id);
}

static void
set_hooks(struct app *app, const struct inheritance *own)
{
	app->pool = pool_figures;
	app->describe = describe_request;
	app->record_request = counters_record_request;
	app->may_explain = counters_may_explain;
	otlp_spans_set_socket(own->spans_writer);
	app->wants_spans = otlp_spans_are_wanted;
	app->export_spans = otlp_spans_export;
	if (own->keys_event >= 0) {
		key_board_enter(own->keys_event);
		signing_keys_set_source(app->signing_keys, key_board_read);
	}
}

/* --- requests --- */

/* While a worker is idle the master need not watch the listener. The last one to become busy wakes
 * the master, if there may be more workers; one that will leave wakes it for a successor. */
static void
wake_master(int busy_event)
{
	const struct scoreboard_plan *plan = scoreboard_plan();
	size_t alive = plan->slots - scoreboard_count(SLOT_FREE);
	bool full = alive >= (size_t)plan->pool_size + (size_t)plan->max_overflow;

	if ((scoreboard_count(SLOT_IDLE) == 0 && !full) || atomic_load(&own_slot->draining) != 0)
		events_wake(busy_event);
}

/* Returns false if the worker leaves after this request. */
static bool
answer_request(const struct inheritance *own, struct app *app, struct idle *idle, int fd, bool last)
{
	struct deadline deadline = deadline_in_ms(own->settings->request_timeout_s * 1000);

	atomic_store(&own_slot->deadline_us, deadline.at_us);
	slot_describe(own_slot, "-", "-", "-");
	atomic_store(&own_slot->draining, last);
	slot_set(own_slot, SLOT_BUSY);
	wake_master(own->busy_event);
	idle_end(idle);
	fcgi_answer(app, fd, deadline);
	atomic_fetch_add(&own_slot->requests, 1);
	if (last)
		return false;
	if (app_is_tainted(app)) {
		log_printf(LOG_WARNING, "worker leaves",
		           "it could not open a connection yet; a new process may");
		return false;
	}
	idle_begin(idle);
	return true;
}

static void
answer_requests(const struct inheritance *own, struct app *app, struct idle *idle,
                int64_t idle_timeout_s)
{
	int64_t max_requests = own->settings->worker_max_requests;
	int64_t left = max_requests > 0 ? max_requests : INT64_MAX;
	int fd;

	idle_begin(idle);
	while ((fd = idle_wait(idle, idle_timeout_s)) >= 0
	       && answer_request(own, app, idle, fd, --left == 0))
		;
	/* One that was opened ahead goes unused now. */
	app_drop_ahead(app);
	counters_flush(app);
}

int
worker_run(const struct inheritance *own, struct slot *slot, int64_t idle_timeout_s)
{
	struct app *app = child_app(own);
	struct idle idle = {
		.app = app, .slot = slot, .listener = own->listener, .ready_event = own->ready_event
	};
	bool opened;

	if (!app)
		return EXIT_INTERNAL;
	own_slot = slot;
	set_hooks(app, own);
	queue_wait_sync_clock();
	backtrace_on_abort(slot);
	opened = idle_open(&idle);
	if (opened) {
		app_prepare(app);
		sandbox_enter(slot);
		answer_requests(own, app, &idle, idle_timeout_s);
	} else {
		log_printf(LOG_ERROR, "could not start a worker", "%s", strerror(errno));
	}
	idle_close(&idle);
	return opened ? EXIT_DONE : EXIT_INTERNAL;
}
