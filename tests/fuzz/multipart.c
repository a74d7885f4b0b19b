/* multipart - each part that is read lies in the body, and reading ends; a body that is made of any
 * fields and files is read as it was made
 *
 * Input: a byte for the kind, then a body with the boundary "b", or contents with a 0xff between
 * them.
 */
#include "http/multipart.h"

#include "fuzz.h"

#define TYPE "multipart/form-data; boundary=b"

static void
check_part(const struct multipart *multipart, const char *body, const struct multipart_part *part)
{
	HOLDS(part->name && utf8_valid(part->name, strlen(part->name), NULL));
	HOLDS(!has_control(part->name) || strchr(part->name, '\t'));
	HOLDS(part->bytes >= body && part->bytes + part->size <= multipart->end);
	HOLDS(part->bytes <= multipart->at && multipart->at <= multipart->end);
	HOLDS(!part->type || strspn(part->type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 0);
}

static void
try_any(void *owner, struct input *in)
{
	size_t size = in->left, parts = 0;
	const char *body = input_copy(owner, in->at, size);
	enum multipart_outcome outcome = MULTIPART_MALFORMED;
	struct multipart multipart;
	struct multipart_part part;
	struct error err = { .kind = 0 };

	if (!multipart_begin(owner, TYPE, body, size, &multipart, &err)) {
		check_error(&err, FAILURE_MALFORMED);
		return;
	}
	do {
		const char *before = multipart.at;

		outcome = multipart_next(owner, &multipart, &part, &err);
		if (outcome == MULTIPART_PART) {
			check_part(&multipart, body, &part);
			HOLDS(multipart.at > before && ++parts <= size);
		}
	} while (outcome == MULTIPART_PART);
	if (outcome == MULTIPART_MALFORMED)
		check_error(&err, FAILURE_MALFORMED);
}

/* A header that is no boundary must not be taken for one. */
static void
try_type(void *owner, struct input *in)
{
	const char *type = input_rest(owner, in);
	struct multipart multipart;
	struct error err = { .kind = 0 };

	if (!multipart_begin(owner, type, "--b--", 5, &multipart, &err)) {
		HOLDS(err.kind == FAILURE_MEDIA_TYPE || err.kind == FAILURE_MALFORMED);
		return;
	}
	/* "b-" is one too. */
	HOLDS(text_starts("\r\n--b--", multipart.delimiter));
	HOLDS(strncasecmp(type, "multipart/form-data", 19) == 0 && strpbrk(type, "bB"));
}

/* A client chooses a boundary that no content has. */
static void
try_made(void *owner, struct input *in)
{
	struct buf body;
	struct content {
		const uint8_t *bytes;
		size_t size;
	} made[64];
	size_t count = 0, read = 0;
	struct multipart multipart;
	struct multipart_part part;
	struct error err;

	buf_init(&body, owner, 1 << 20);
	while (in->left > 0 && count < COUNT_OF(made)) {
		const uint8_t *end = memchr(in->at, 0xff, in->left);
		size_t size = end ? (size_t)(end - in->at) : in->left;

		if (memmem(in->at, size, "--b", 3))
			return;
		made[count].bytes = in->at;
		made[count++].size = size;
		buf_printf(&body, "--b\r\nContent-Disposition: form-data; name=\"%zu\"\r\n\r\n",
		           count - 1);
		buf_add(&body, (const char *)in->at, size);
		buf_text(&body, "\r\n");
		in->left -= size + (end != NULL);
		in->at += size + (end != NULL);
	}
	buf_text(&body, "--b--\r\n");
	HOLDS(multipart_begin(owner, TYPE, body.data, body.size, &multipart, &err));
	while (multipart_next(owner, &multipart, &part, &err) == MULTIPART_PART) {
		HOLDS(read < count && part.size == made[read].size && !part.file_name);
		HOLDS(part.size == 0 || memcmp(part.bytes, made[read].bytes, part.size) == 0);
		read++;
	}
	HOLDS(read == count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(void *owner, struct input *in) = { try_any, try_type,
		                                                        try_made };
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };

	kinds[input_byte(&in) % COUNT_OF(kinds)](owner, &in);
	mem_free(owner);
	return 0;
}
