#include "http/oauth2_error.h"

#include "base/text.h"
#include "http/param_check.h"

#define DESCRIPTION_MAX_BYTES 1024

/* The registered codes; server_error and temporarily_unavailable are those of an authorization
 * endpoint (4.1.2.1). A kind without a row gets its code by its status. */
static const struct {
	const char *error;
	int status; /* 0: that of the kind */
} codes[FAILURE_COUNT] = {
	[FAILURE_MALFORMED] = { "invalid_request", 400 },
	[FAILURE_UNAUTHORIZED] = { "invalid_grant", 400 },
	[FAILURE_FORBIDDEN] = { "unauthorized_client", 400 },
	[FAILURE_NOT_FOUND] = { "invalid_grant", 400 },
	[FAILURE_METHOD] = { "invalid_request", 0 },
	[FAILURE_CONFLICT] = { "invalid_request", 400 },
	[FAILURE_TOO_LARGE] = { "invalid_request", 0 },
	[FAILURE_MEDIA_TYPE] = { "invalid_request", 400 },
	[FAILURE_INVALID] = { "invalid_request", 400 },
	[FAILURE_INTERNAL] = { "server_error", 0 },
	[FAILURE_TOO_MANY] = { "temporarily_unavailable", 0 },
	[FAILURE_UNAVAILABLE] = { "temporarily_unavailable", 0 },
	[FAILURE_TIMEOUT] = { "temporarily_unavailable", 0 },
	[FAILURE_AMBIGUOUS] = { "server_error", 0 },
	[FAILURE_CLIENT_GONE] = { "server_error", 0 },
};

/* An unsupported grant type is the only fault with a code of its own. */
static bool
is_unknown_grant(const struct param_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		if (strcmp(faults->items[i].name, "grant_type") == 0
		    && text_starts(faults->items[i].message, PARAM_CHOICES_PREFIX))
			return true;
	return false;
}

/* RFC 6749 5.2 allows printable ASCII without quotes and backslashes. Other bytes become ?. */
static void
write_plain(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_char(out,
		         *text < ' ' || *text > '~' || *text == '"' || *text == '\\' ? '?' : *text);
}

static void
write_description(struct buf *out, const char *detail, const struct param_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		buf_text(out, i > 0 ? "; " : "");
		write_plain(out, faults->items[i].name);
		buf_char(out, ' ');
		write_plain(out, faults->items[i].message);
	}
	if (faults->count == 0 && detail)
		write_plain(out, detail);
}

void
oauth2_error_write(struct reply *reply, enum failure kind, int status, const char *detail,
                   const struct param_faults *faults)
{
	static const struct param_faults none = { .count = 0 };
	const char *error = codes[kind].error;
	char text[DESCRIPTION_MAX_BYTES];
	struct buf description, *out = &reply->body;

	if (!error)
		error = status < 500 ? "invalid_request" : "server_error";
	if (faults && is_unknown_grant(faults))
		error = "unsupported_grant_type";
	buf_init_fixed(&description, text, sizeof(text));
	write_description(&description, detail, faults ? faults : &none);
	reply_reset(reply);
	reply->status = codes[kind].status ? codes[kind].status : status;
	reply->content_type = "application/json";
	buf_printf(out, "{\"error\":\"%s\"", error);
	if (description.size > 0)
		buf_printf(out, ",\"error_description\":\"%s\"", description.data);
	buf_char(out, '}');
	reply_set_header(reply, "Cache-Control", "no-store");
}
