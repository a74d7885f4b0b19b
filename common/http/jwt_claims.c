#include "http/jwt_claims.h"

#include "base/base64url.h"
#include "base/text.h"

/* The largest time that a double has to the second. */
#define TIME_MAX_S 9007199254740992.0

const char *
jwt_claim_text(const struct json_body *claims, const char *name)
{
	const struct json_member *found = json_find(claims, name);

	return found && found->kind == JSON_STRING && *found->text ? found->text : NULL;
}

bool
jwt_claim_is(const struct json_body *claims, const char *name, const char *wanted)
{
	const char *found = jwt_claim_text(claims, name);

	return found && strcmp(found, wanted) == 0;
}

bool
jwt_claim_time(const struct json_body *claims, const char *name, int64_t *time_s)
{
	const struct json_member *found = json_find(claims, name);
	double seconds;

	if (!found)
		return false;
	if (found->kind == JSON_INT)
		return parse_int(found->text, time_s);
	if (found->kind != JSON_FLOAT || !parse_float(found->text, &seconds)
	    || seconds < -TIME_MAX_S || seconds > TIME_MAX_S)
		return false;
	*time_s = (int64_t)seconds;
	return true;
}

const char *
jwt_read_part(void *owner, const char *part, size_t size, struct json_body *members)
{
	struct error ignored;
	size_t text_size;
	const char *text = base64url_decode(owner, part, size, &text_size);

	return text && json_body_read(owner, text, text_size, members, &ignored) ? text : NULL;
}
