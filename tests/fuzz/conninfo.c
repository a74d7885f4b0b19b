/* conninfo - nothing that may be shown depends on a password, wherever it was given and however
 * badly it was encoded
 *
 * Each input is read twice, with a password and with another one of the same form: what is said
 * about the two has to be the same to the last byte. So no piece of it is in there, of 4 bytes or
 * of 1.
 *
 * Input: a byte that says where the password stands, then the password, a line feed, and what
 * stands around it.
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

/* Another letter, another digit: all that means something in a URL stays, and what %XX stands for
 * too. */
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
url_with(void *owner, enum place place, const char *password, const char *around)
{
	switch (place) {
	case USERINFO:
		return mem_printf(owner, "postgresql://me:%s@%s", password, around);
	case USERINFO_ENCODED:
		return mem_printf(owner, "postgres://me:%s@%s", encoded(owner, password), around);
	case PARAMETER:
		return mem_printf(owner, "postgresql://%s?password=%s", around, password);
	case PARAMETER_ENCODED:
		return mem_printf(owner, "postgresql+x://%s?password=%s&sslmode=require", around,
		                  encoded(owner, password));
	case SSL_PASSWORD:
		return mem_printf(owner, "postgresql://me:x@h/d?sslpassword=%s&%s",
		                  encoded(owner, password), around);
	case REDIS:
		return mem_printf(owner, "redis://:%s@%s", password, around);
	case REDIS_ENCODED:
		return mem_printf(owner, "rediss://me:%s@%s", encoded(owner, password), around);
	case PARTS:
	case PLACE__MAX:
		break;
	}
	return around;
}

/* host, port, name and user: lines. */
static bool
from_parts(void *owner, const char *password, const char *around, struct conninfo *info,
           struct error *err)
{
	struct input in = { (const uint8_t *)around, strlen(around) };
	struct conninfo_parts parts = { .password = password };

	parts.host = input_text(owner, &in, '\n');
	parts.port = in.left > 0 ? input_text(owner, &in, '\n') : NULL;
	parts.name = input_text(owner, &in, '\n');
	parts.user = input_rest(owner, &in);
	return conninfo_from_parts(owner, &parts, info, err);
}

struct said {
	bool good;
	struct conninfo info;
	struct redis_url redis;
	struct error err;
};

static struct said
say(void *owner, enum place place, const char *password, const char *around)
{
	const char *url = url_with(owner, place, password, around);
	struct said said = { .good = false };

	if (place == PARTS)
		said.good = from_parts(owner, password, around, &said.info, &said.err);
	else if (place == REDIS || place == REDIS_ENCODED)
		said.good = redis_url_parse(owner, url, &said.redis, &said.err);
	else
		said.good = conninfo_parse(owner, url, &said.info, &said.err);
	return said;
}

static void
check_said(const struct said *said, const struct said *other)
{
	HOLDS(said->good == other->good);
	if (!said->good) {
		check_error(&said->err, NP_INVALID);
		HOLDS(same_text(said->err.message, other->err.message));
		HOLDS(same_text(said->err.detail, other->err.detail));
		return;
	}
	HOLDS(same_text(said->info.redacted, other->info.redacted));
	HOLDS(same_text(said->info.warning, other->info.warning));
	HOLDS(same_text(said->redis.host, other->redis.host)
	      && same_text(said->redis.user, other->redis.user));
}

/* What was given encoded is what the server gets. */
static void
check_password(enum place place, const char *password, const struct said *said)
{
	if (!said->good)
		return;
	if (place == USERINFO_ENCODED || place == PARAMETER_ENCODED || place == PARTS)
		HOLDS(same_text(conninfo_get(&said->info, "password"), password));
	if (place == SSL_PASSWORD)
		HOLDS(same_text(conninfo_get(&said->info, "sslpassword"), password));
	if (place == REDIS_ENCODED)
		HOLDS(same_text(said->redis.password, password));
}

/* A URL as it comes, for all that follows from it. */
static void
check_conninfo(void *owner, const char *url)
{
	struct conninfo info, again;
	struct json_object *json;
	struct error err;
	struct buf text;
	bool good;

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
	json = json_read(text.data, text.size, &good);
	HOLDS(good && (size_t)json_object_object_length(json) == info.count);
	(void)json_object_put(json);
}

/* A raw & ends a parameter: what follows names another one, which letters make known or not. A raw
 * ?password= is refused. */
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
	const char *password = input_text(owner, &in, '\n'), *around = input_rest(owner, &in);
	const char *other = other_password(owner, password);
	struct said first = say(owner, place, password, around),
	            second = say(owner, place, other, around);

	if (!splits_url(place, password))
		check_said(&first, &second);
	else if (!first.good && !second.good
	         && text_starts(first.err.message, "has an unknown parameter")
	         && text_starts(second.err.message, "has an unknown parameter"))
		HOLDS(same_text(first.err.message, second.err.message));
	check_password(place, password, &first);
	check_conninfo(owner, around);
	mem_free(owner);
	return 0;
}
