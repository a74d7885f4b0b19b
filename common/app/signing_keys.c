#include "app/signing_keys.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "http/jwks_fetch.h"

/* The longest that a request waits for keys. */
#define WAIT_MAX_MS 2000
/* A file is not looked at, and not read again for an unknown key, before that; one that could not
 * be read at first, before the other. */
#define FILE_PAUSE_US INT64_C(60000000)
#define FILE_RETRY_US INT64_C(5000000)

struct signing_keys {
	const struct settings *settings;
	signing_keys_source *source;
	void *scope; /* owns what is below */
	struct signing_keys_text text;
	struct jwks set; /* of the text, if its version is not 0 */
};

struct oidc_rules
signing_keys_rules(const struct settings *settings)
{
	return (struct oidc_rules){ settings->jwt_issuer, settings->jwt_audience,
		                    settings->jwt_scope_claim };
}

bool
signing_keys_are_remote(const struct settings *settings)
{
	return settings->jwt_jwks && settings->jwt_jwks[0] != '/';
}

/* --- the sources of a process by itself --- */

static bool
read_bytes(void *owner, const char *path, struct signing_keys_text *text, struct error *err)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	bool whole;

	text->text = mem_resize(owner, NULL, JWKS_MAX_BYTES + 1);
	if (file)
		size = fread(text->text, 1, JWKS_MAX_BYTES + 1, file);
	whole = file && !ferror(file);
	if (!whole)
		error_fill(err, FAILURE_INTERNAL, "could not read \"%s\": %s", path,
		           strerror(errno));
	else if (size > JWKS_MAX_BYTES)
		whole = error_set(err, FAILURE_INTERNAL, "\"%s\" has more than %d bytes", path,
		                  JWKS_MAX_BYTES);
	if (file)
		(void)fclose(file);
	text->size = size;
	return whole;
}

/* Leaves *text alone if it cannot be used. */
static bool
read_file(void *owner, const char *path, struct signing_keys_text *text, struct error *err)
{
	struct signing_keys_text found = { .version = text->version + 1 };
	struct error why;
	struct jwks set;

	if (!read_bytes(owner, path, &found, err))
		return false;
	if (!jwks_read(owner, found.text, found.size, &set, &why))
		return error_set(err, FAILURE_INTERNAL, "\"%s\": %s", path, why.message);
	*text = found;
	return true;
}

/* What tells that a file was replaced or written. */
struct file_state {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec written;
};

static struct file_state
state_of(const char *path)
{
	struct stat found;

	if (stat(path, &found) != 0)
		return (struct file_state){ .size = -1 };
	return (struct file_state){ found.st_dev, found.st_ino, found.st_size, found.st_mtim };
}

static bool
is_same_state(const struct file_state *a, const struct file_state *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size
	       && a->written.tv_sec == b->written.tv_sec
	       && a->written.tv_nsec == b->written.tv_nsec;
}

static struct {
	struct file_state state; /* when it was read last */
	int64_t look_us;         /* when it is looked at next, to see whether it was changed */
	int64_t renew_us;        /* when an unknown key may make it be read again */
	bool failing;
} file;

static bool
read_file_now(void *owner, const char *path, struct signing_keys_text *text)
{
	struct file_state state = state_of(path);
	struct error err;

	file.failing = !read_file(owner, path, text, &err);
	if (file.failing)
		log_printf(LOG_WARNING, "signing keys not read", "%s", err.message);
	else
		file.state = state;
	file.look_us = clock_now_us() + (text->version == 0 ? FILE_RETRY_US : FILE_PAUSE_US);
	return !file.failing;
}

/* Reads the file for the first token, when it was changed (it is looked at once a minute), and for
 * a token with an unknown key. */
static bool
read_file_when_needed(void *owner, const struct settings *settings, bool renew,
                      struct deadline deadline, struct signing_keys_text *text)
{
	struct file_state state;

	(void)deadline;
	if (renew) {
		if (clock_now_us() < file.renew_us)
			return !file.failing;
		file.renew_us = clock_now_us() + FILE_PAUSE_US;
		return read_file_now(owner, settings->jwt_jwks, text);
	}
	if (clock_now_us() < file.look_us)
		return !file.failing;
	state = state_of(settings->jwt_jwks);
	if (text->version == 0 || !is_same_state(&state, &file.state))
		return read_file_now(owner, settings->jwt_jwks, text);
	file.look_us = clock_now_us() + FILE_PAUSE_US;
	return !file.failing;
}

static bool
read_url(void *owner, const char *url, bool resolves, struct deadline deadline,
         struct signing_keys_text *text, struct error *err)
{
	struct http_client *client;
	struct buf body;

	buf_init(&body, owner, JWKS_MAX_BYTES);
	if (!http_client_open(owner, &client, err)
	    || !jwks_fetch(owner, client, url, resolves, deadline, &body, err))
		return false;
	*text = (struct signing_keys_text){ text->version + 1, body.data, body.size };
	return true;
}

/* A process that answers one request reads them once. */
static bool
fetch_once(void *owner, const struct settings *settings, bool renew, struct deadline deadline,
           struct signing_keys_text *text)
{
	struct error err;

	if (renew || text->version != 0
	    || read_url(owner, settings->jwt_jwks, false, deadline, text, &err))
		return true;
	log_printf(LOG_WARNING, "signing keys not read", "%s: %s", settings->jwt_jwks, err.message);
	return false;
}

/* --- the keys --- */

/* Takes a text that was read into a scope. Keeps what was there if it cannot be used. */
static bool
take_text(struct signing_keys *keys, void *scope, const struct signing_keys_text *text,
          struct error *err)
{
	struct jwks *set = mem_new(scope, struct jwks);

	if (!jwks_read(scope, text->text, text->size, set, err)) {
		mem_free(scope);
		return false;
	}
	mem_free(keys->scope);
	keys->scope = scope;
	keys->text = *text;
	keys->set = *set;
	return true;
}

static bool
bring_up_to_date(struct signing_keys *keys, bool renew, struct deadline deadline)
{
	void *scope = mem_scope(keys, "signing keys");
	struct signing_keys_text text = keys->text;
	bool ok = keys->source(scope, keys->settings, renew, deadline, &text);
	struct error err;

	if (text.version == keys->text.version) {
		mem_free(scope);
		return ok && text.version != 0;
	}
	if (take_text(keys, scope, &text, &err))
		return ok;
	log_printf(LOG_WARNING, "signing keys not read", "JWT_JWKS: %s", err.message);
	return false;
}

struct signing_keys *
signing_keys_new(void *owner, const struct settings *settings)
{
	struct signing_keys *keys;

	if (!settings->jwt_jwks)
		return NULL;
	keys = mem_new(owner, struct signing_keys);
	keys->settings = settings;
	keys->source = signing_keys_are_remote(settings) ? fetch_once : read_file_when_needed;
	return keys;
}

bool
signing_keys_try(const struct settings *settings, struct deadline deadline, size_t *count,
                 struct error *err)
{
	void *scope = mem_scope(mem_process(), "signing keys");
	struct signing_keys_text text = { .version = 0 };
	const char *place = settings->jwt_jwks;
	struct jwks set = { .count = 0 };
	struct error why;
	bool ok;

	ok = signing_keys_are_remote(settings) ? read_url(scope, place, true, deadline, &text, &why)
	                                       : read_file(scope, place, &text, &why);
	ok = ok && jwks_read(scope, text.text, text.size, &set, &why);
	*count = set.count;
	mem_free(scope);
	return ok || error_set(err, FAILURE_INTERNAL, "JWT_JWKS: %s", why.message);
}

void
signing_keys_set_source(struct signing_keys *keys, signing_keys_source *source)
{
	if (signing_keys_are_remote(keys->settings))
		keys->source = source;
}

/* Without a kid, a signature that is wrong may be of a new key in the place of the one that is
 * known. */
static enum oidc_verdict
verify(const struct signing_keys *keys, const struct oidc_token *token)
{
	enum oidc_verdict verdict = oidc_token_verify(token, &keys->set);

	return verdict == OIDC_INVALID && !token->key_id ? OIDC_UNKNOWN_KEY : verdict;
}

enum oidc_verdict
signing_keys_verify(struct signing_keys *keys, const struct oidc_token *token,
                    struct deadline deadline)
{
	struct deadline wait = deadline_within_ms(deadline, WAIT_MAX_MS);
	enum oidc_verdict verdict;

	if (!bring_up_to_date(keys, false, wait) && keys->text.version == 0)
		return OIDC_UNKNOWN_KEY;
	verdict = verify(keys, token);
	if (verdict != OIDC_UNKNOWN_KEY)
		return verdict;
	if (!bring_up_to_date(keys, true, wait))
		return OIDC_UNKNOWN_KEY;
	verdict = verify(keys, token);
	return verdict == OIDC_UNKNOWN_KEY ? OIDC_INVALID : verdict;
}
