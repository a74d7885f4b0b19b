/* cookie - a cookie that is found is in the header, and one that is written comes back as it was
 *
 * Input: a byte for the kind, then a name and a line feed, then a header or a value.
 */
#include "http/cookie.h"

#include "fuzz.h"

static void
try_find(void *owner, const char *name, const char *header)
{
	const char *value = cookie_find(owner, header, name);

	if (!value)
		return;
	HOLDS(strstr(header, mem_printf(owner, "%s=", name)));
	HOLDS(strstr(header, value) && !strchr(value, ';'));
}

static void
try_write(void *owner, const char *name, const char *value, unsigned flags)
{
	const struct np_cookie cookie = { .name = name,
		                          .value = value,
		                          .max_age_s = (int)(flags % 3) - 1,
		                          .same_site = (enum np_same_site)(flags / 3 % 3),
		                          .over_http = flags & 64,
		                          .script_may_read = flags & 128 };
	const char *pair = mem_printf(owner, "%s=%s", name, value), *back;
	struct buf out;

	buf_init(&out, owner, 65536);
	if (cookie_write(&out, &cookie))
		return;
	HOLDS(!has_control(out.data) && text_starts(out.data, mem_printf(owner, "%s; ", pair)));
	HOLDS(!strchr(pair, ';') && !strchr(pair, ' '));
	HOLDS(cookie.over_http
	      || (strstr(out.data, "; Secure") && !text_starts(name, "__Host-x=")));
	back = cookie_find(owner, mem_printf(owner, "a=b; %s; c=d", pair), name);
	HOLDS(strcmp(name, "a") == 0 || (back && strcmp(back, value) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	unsigned kind = input_byte(&in);
	const char *name = input_text(owner, &in, '\n'), *text = input_rest(owner, &in);

	if (kind % 2 == 0)
		try_find(owner, name, text);
	else
		try_write(owner, name, text, kind / 2);
	mem_free(owner);
	return 0;
}
