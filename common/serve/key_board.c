#include "serve/key_board.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/events.h"

/* A worker that waits looks this often. */
#define LOOK_MS 5

/* Of two texts one is published and the other is written next. A reader of a text that has been
 * published twice since sees that by the version. */
static struct key_board {
	atomic_ullong version;    /* of texts[version % 2]; 0: none was published */
	atomic_ullong attempts;   /* that have ended */
	atomic_bool going;        /* an attempt is */
	atomic_bool failing;      /* the last one failed */
	atomic_llong ask_from_us; /* earlier, nobody is heard: see clock_now_us() */
	struct {
		size_t size;
		char bytes[JWKS_MAX_BYTES];
	} texts[2];
} * keys;

static int memory = -1;
static int ask = -1;

/* --- the master --- */

bool
key_board_create(void)
{
	memory = memfd_create("signing keys", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory >= 0 && ftruncate(memory, sizeof(*keys)) != 0) {
		(void)close(memory);
		memory = -1;
	}
	/* Where a kernel allows no such file, workers only give up the right to write. */
	keys = mmap(NULL, sizeof(*keys), PROT_READ | PROT_WRITE,
	            memory >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, memory, 0);
	if (keys == MAP_FAILED)
		return false;
	/* From now on nobody else can map it for writing; the one mapping above stays. Kernels
	 * before 5.1 do not know this. */
	if (memory >= 0)
		(void)fcntl(memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	return true;
}

void
key_board_begin_attempt(bool asked)
{
	if (asked)
		atomic_store(&keys->ask_from_us, clock_now_us() + KEY_BOARD_ASK_PAUSE_MS * 1000);
	atomic_store(&keys->going, true);
}

void
key_board_end_attempt(bool succeeded)
{
	if (succeeded)
		atomic_fetch_add(&keys->version, 1);
	atomic_store(&keys->failing, !succeeded);
	atomic_store(&keys->going, false);
	atomic_fetch_add(&keys->attempts, 1);
}

bool
key_board_has_keys(void)
{
	return atomic_load(&keys->version) > 0;
}

bool
key_board_is_failing(void)
{
	return atomic_load(&keys->failing);
}

/* --- the process that fetches --- */

void
key_board_store(const struct buf *text)
{
	size_t next = (atomic_load(&keys->version) + 1) % 2;

	keys->texts[next].size = text->size;
	memcpy(keys->texts[next].bytes, text->data, text->size);
}

/* --- a worker --- */

void
key_board_enter(int ask_event)
{
	void *read_only = MAP_FAILED;

	if (memory >= 0) {
		read_only = mmap(NULL, sizeof(*keys), PROT_READ, MAP_SHARED, memory, 0);
		(void)close(memory);
		memory = -1;
	}
	if (read_only != MAP_FAILED) {
		(void)munmap(keys, sizeof(*keys));
		keys = read_only;
	} else {
		(void)mprotect(keys, sizeof(*keys), PROT_READ);
	}
	ask = ask_event;
}

/* Returns true if there is nothing yet that could be read, and soon may be. */
static bool
is_first_awaited(void)
{
	return !key_board_has_keys()
	       && (atomic_load(&keys->going) || atomic_load(&keys->attempts) == 0);
}

static void
wait_for_first(struct deadline deadline)
{
	while (is_first_awaited() && !deadline_passed(deadline))
		clock_sleep_ms(LOOK_MS, deadline);
}

/* Returns false if an attempt is needed and did not end in time. */
static bool
wait_for_renewal(struct deadline deadline)
{
	unsigned long long attempts = atomic_load(&keys->attempts);

	if (!atomic_load(&keys->going)) {
		if (clock_now_us() < atomic_load(&keys->ask_from_us))
			return true;
		events_wake(ask);
	}
	/* An issuer that does not answer must not hold one worker after the other. */
	if (key_board_is_failing())
		return false;
	while (atomic_load(&keys->attempts) == attempts && !deadline_passed(deadline))
		clock_sleep_ms(LOOK_MS, deadline);
	return atomic_load(&keys->attempts) != attempts;
}

/* Believes nothing: the process that writes there speaks with the network. */
static void
copy_text(void *owner, struct signing_keys_text *text)
{
	uint64_t version = atomic_load(&keys->version);
	struct signing_keys_text copy = { .version = version };

	if (version == text->version)
		return;
	copy.size = keys->texts[version % 2].size;
	if (copy.size > JWKS_MAX_BYTES)
		return;
	copy.text = mem_resize(owner, NULL, JWKS_MAX_BYTES);
	memcpy(copy.text, keys->texts[version % 2].bytes, copy.size);
	atomic_thread_fence(memory_order_acquire);
	/* One that was replaced meanwhile is read with the next token. */
	if (atomic_load(&keys->version) == version)
		*text = copy;
}

bool
key_board_read(void *owner, const struct settings *settings, bool renew, struct deadline deadline,
               struct signing_keys_text *text)
{
	bool in_time = true;

	(void)settings;
	if (renew)
		in_time = wait_for_renewal(deadline);
	else
		wait_for_first(deadline);
	copy_text(owner, text);
	return in_time && !key_board_is_failing();
}
