/* conninfo - no text that may be shown depends on a password, wherever it is and however badly it
 * is encoded
 *
 * Each input is parsed twice, with a password and with another one of the same form. The messages
 * must be identical, so they contain no part of the password, not even one byte.
 *
 * Input: a byte that says where the password is, the password, a line feed, and the rest of the
 * URL.
 */
#include "config/conninfo.h"
#include "config/redis_url.h"
#include "fuzz.h"

enum place {
	USERINFO,
	USERINFO_ENCODED,
	PARAMETER,
	PARAMETER_ENCODED,
	SSL_PASSWORD,
	PARTS,
	REDIS,
	REDIS_ENCODED,
	PLACE__MAX
};

/* Replaces each letter and digit by another one. Characters with a meaning in a URL, and %XX, stay.
 */
static char *
other_password(void *owner, const char *password)
{
	char *other = mem_strdup(owner, password);

	for (size_t i = 0; other[i]; i++) {
		char c = other[i];
		bool encoded = (i > 0 && other[i - 1] == '%') || (i > 1 && other[i - 2] == '%');

		if (encoded)
			continue;
		if (text_is_digit(c))
			other[i] = (char)('0' + (c - '0' + 1) % 10);
		else if (c >= 'a' && c <= 'z')
			other[i] = (char)('a' + (c - 'a' + 1) % 26);
		else if (c >= 'A' && c <= 'Z')
			other[i] = (char)('A' + (c - 'A' + 1) % 26);
	}
	return other;
}

static const char *
encoded(void *owner, const char *text)
{
	struct buf out;

	buf_init(&out, owner, 1 << 20);
	buf_percent(&out, text, "");
	return out.data;
}

static const char *
url_with(void *owner, enum place place, const char *password, const char *rest)
{
	switch (place) {
	case USERINFO:
		return mem_printf(owner, "postgresql://me:%s@%s", password, rest);
	case USERINFO_ENCODED:
		return mem_printf(owner, "postgres://me:%s@%s", encoded(owner, password), rest);
	case PARAMETER:
		return mem_printf(owner, "postgresql://%s?password=%s", rest, password);
	case PARAMETER_ENCODED:
		return mem_printf(owner, "postgresql+x://%s?password=%s&sslmode=require", rest,
		                  encoded(owner, password));
	case SSL_PASSWORD:
		return mem_printf(owner, "postgresql://me:x@h/d?sslpassword=%s&%s",
		                  encoded(owner, password), rest);
	case REDIS:
		return mem_printf(owner, "redis://:%s@%s", password, rest);
	case REDIS_ENCODED:
		return mem_printf(owner, "rediss://me:%s@%s", encoded(owner, password), rest);
	case PARTS:
	case PLACE__MAX:
		break;
	}
	return rest;
}

/* The rest has host, port, name and user as lines. */
static bool
from_parts(void *owner, const char *password, const char *rest, struct conninfo *info,
           struct error *err)
{
	struct input in = { (const uint8_t *)rest, strlen(rest) };
	struct conninfo_parts parts = { .password = password };

	parts.host = input_text(owner, &in, '\n');
	parts.port = in.left > 0 ? input_text(owner, &in, '\n') : NULL;
	parts.name = input_text(owner, &in, '\n');
	parts.user = input_rest(owner, &in);
	return conninfo_from_parts(owner, &parts, info, err);
}

struct outcome {
	bool ok;
	struct conninfo info;
	struct redis_url redis;
	struct error err;
};

static struct outcome
parse_with(void *owner, enum place place, const char *password, const char *rest)
{
	const char *url = url_with(owner, place, password, rest);
	struct outcome outcome = { .ok = false };

	if (place == PARTS)
		outcome.ok = from_parts(owner, password, rest, &outcome.info, &outcome.err);
	else if (place == REDIS || place == REDIS_ENCODED)
		outcome.ok = redis_url_parse(owner, url, &outcome.redis, &outcome.err);
	else
		outcome.ok = conninfo_parse(owner, url, &outcome.info, &outcome.err);
	return outcome;
}

static void
check_same_outcome(const struct outcome *outcome, const struct outcome *other)
{
	HOLDS(outcome->ok == other->ok);
	if (!outcome->ok) {
		check_error(&outcome->err, FAILURE_INVALID);
		HOLDS(same_text(outcome->err.message, other->err.message));
		HOLDS(same_text(outcome->err.detail, other->err.detail));
		return;
	}
	HOLDS(same_text(outcome->info.redacted, other->info.redacted));
	HOLDS(same_text(outcome->info.warning, other->info.warning));
	HOLDS(same_text(outcome->redis.host, other->redis.host)
	      && same_text(outcome->redis.user, other->redis.user));
}

/* An encoded password reaches the server decoded. */
static void
check_password(enum place place, const char *password, const struct outcome *outcome)
{
	if (!outcome->ok)
		return;
	if (place == USERINFO_ENCODED || place == PARAMETER_ENCODED || place == PARTS)
		HOLDS(same_text(conninfo_get(&outcome->info, "password"), password));
	if (place == SSL_PASSWORD)
		HOLDS(same_text(conninfo_get(&outcome->info, "sslpassword"), password));
	if (place == REDIS_ENCODED)
		HOLDS(same_text(outcome->redis.password, password));
}

/* Checks everything that follows from an arbitrary URL. */
static void
check_conninfo(void *owner, const char *url)
{
	struct conninfo info, again;
	struct json_object *json;
	struct error err;
	struct buf text;
	bool ok;

	if (!conninfo_parse(owner, url, &info, &err))
		return;
	HOLDS(info.count <= CONNINFO_MAX && !info.keywords[info.count] && !info.values[info.count]);
	HOLDS(*conninfo_get(&info, "host") && *conninfo_get(&info, "user")
	      && *conninfo_get(&info, "dbname"));
	for (size_t i = 0; i < info.count; i++)
		HOLDS(same_text(conninfo_get(&info, info.keywords[i]), info.values[i]));
	/* The redacted form is a URL of the same server, with *** for a password. */
	HOLDS(!has_control(info.redacted));
	if (strlen(info.redacted) < 4096) {
		HOLDS(conninfo_parse(owner, info.redacted, &again, &err));
		HOLDS(same_text(conninfo_get(&info, "host"), conninfo_get(&again, "host")));
		HOLDS(same_text(conninfo_get(&info, "dbname"), conninfo_get(&again, "dbname")));
		HOLDS(same_text(conninfo_get(&info, "user"), conninfo_get(&again, "user")));
		HOLDS(same_text(conninfo_get(&again, "password"),
		                conninfo_get(&info, "password") ? "***" : NULL));
		HOLDS(conninfo_needs_tls(&info) == conninfo_needs_tls(&again));
	}
	buf_init(&text, owner, 1 << 20);
	conninfo_json(&info, &text);
	json = json_read(text.data, text.size, &ok);
	HOLDS(ok && (size_t)json_object_object_length(json) == info.count);
	(void)json_object_put(json);
}

/* Returns true if the password can contain a parameter of its own. A raw & ends a parameter, and
 * its letters decide whether the next one is known. A raw ?password= is refused. */
static bool
splits_url(enum place place, const char *password)
{
	return (place == PARAMETER && strchr(password, '&'))
	       || (strchr(password, '?') && strstr(password, "password="));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	enum place place = (enum place)(input_byte(&in) % PLACE__MAX);
	const char *password = input_text(owner, &in, '\n'), *rest = input_rest(owner, &in);
	const char *other = other_password(owner, password);
	struct outcome first = parse_with(owner, place, password, rest),
	               second = parse_with(owner, place, other, rest);

	if (!splits_url(place, password))
		check_same_outcome(&first, &second);
	else if (!first.ok && !second.ok
	         && text_starts(first.err.message, "has an unknown parameter")
	         && text_starts(second.err.message, "has an unknown parameter"))
		HOLDS(same_text(first.err.message, second.err.message));
	check_password(place, password, &first);
	check_conninfo(owner, rest);
	mem_free(owner);
	return 0;
}
