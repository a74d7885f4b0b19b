#include "serve/key_fetcher.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/jwks_fetch.h"
#include "serve/key_board.h"
#include "serve/sandbox.h"

/* A key that its issuer has withdrawn is trusted for this long, or until it can be read again. */
#define REFRESH_MS 600000
/* After a failure, with keys of before and without any. */
#define RETRY_MS       60000
#define RETRY_FIRST_MS 5000
/* An attempt takes no longer; what hangs all the same is killed. */
#define FETCH_MAX_MS 5000
#define ALARM_S      (FETCH_MAX_MS / 1000 + 2)

bool
key_fetcher_open(struct inheritance *master, struct error *err)
{
	master->keys_event = -1;
	if (!signing_keys_are_remote(master->settings))
		return true;
	master->keys_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return (master->keys_event >= 0 && key_board_create())
	       || error_set(err, FAILURE_INTERNAL, "could not share the signing keys: %s",
	                    strerror(errno));
}

struct deadline
key_fetcher_due(const struct key_fetcher *fetcher, const struct inheritance *master)
{
	if (master->keys_event < 0 || fetcher->pid != 0)
		return DEADLINE_NEVER;
	return fetcher->asked ? DEADLINE_NOW : fetcher->due;
}

/* --- the process --- */

static bool
fetch(const char *url, struct error *err)
{
	void *scope = mem_scope(mem_process(), "signing keys");
	struct http_client *client;
	struct buf text;

	buf_init(&text, scope, JWKS_MAX_BYTES);
	if (!http_client_open(scope, &client, err))
		return false;
	sandbox_enter(NULL);
	if (!jwks_fetch(scope, client, url, true, deadline_in_ms(FETCH_MAX_MS), &text, err))
		return false;
	key_board_store(&text);
	return true;
}

static int
run_fetcher(const struct inheritance *own, const void *unused)
{
	const char *url = own->settings->jwt_jwks;
	bool was_failing = key_board_is_failing();
	struct error err;

	(void)unused;
	(void)alarm(ALARM_S);
	if (!fetch(url, &err)) {
		if (!was_failing)
			log_printf(LOG_WARNING, "signing keys not read", "%s: %s", url,
			           err.message);
		return EXIT_FAILED;
	}
	log_printf(was_failing || !key_board_has_keys() ? LOG_INFO : LOG_DEBUG, "signing keys read",
	           "%s", url);
	return EXIT_DONE;
}

/* --- its life --- */

static void
end_attempt(struct key_fetcher *fetcher, bool succeeded)
{
	fetcher->pid = 0;
	key_board_end_attempt(succeeded);
	fetcher->due = deadline_in_ms(succeeded              ? REFRESH_MS
	                              : key_board_has_keys() ? RETRY_MS
	                                                     : RETRY_FIRST_MS);
}

void
key_fetcher_start(struct key_fetcher *fetcher, const struct inheritance *master)
{
	if (fetcher->asked)
		fetcher->ask_from = deadline_in_ms(KEY_BOARD_ASK_PAUSE_MS);
	key_board_begin_attempt(fetcher->asked);
	fetcher->asked = false;
	fetcher->pid = child_fork(master, CHILD_KEY_FETCHER, run_fetcher, NULL);
	if (fetcher->pid < 0)
		end_attempt(fetcher, false);
}

void
key_fetcher_ask(struct key_fetcher *fetcher)
{
	if (fetcher->pid == 0 && deadline_passed(fetcher->ask_from))
		fetcher->asked = true;
}

bool
key_fetcher_on_child_exit(struct key_fetcher *fetcher, pid_t pid, int status)
{
	if (fetcher->pid == 0 || pid != fetcher->pid)
		return false;
	if (!WIFEXITED(status))
		child_log_crash("key fetcher died", pid, status);
	end_attempt(fetcher, WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE);
	return true;
}

void
key_fetcher_stop(const struct key_fetcher *fetcher)
{
	if (fetcher->pid > 0)
		(void)kill(fetcher->pid, SIGKILL);
}
