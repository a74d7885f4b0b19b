#include "http/multipart.h"

#include "base/mem.h"
#include "base/text.h"

#define BOUNDARY_MAX_BYTES 70 /* RFC 2046 5.1.1 */
#define HEAD_MAX_BYTES     8192

static const char media_type[] = "multipart/form-data";

static enum multipart_outcome
malformed(struct error *err, const char *message)
{
	(void)error_set(err, FAILURE_MALFORMED, "%s", message);
	return MULTIPART_MALFORMED;
}

/* --- parameters of a header's value: ; name="value" --- */

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* Returns where a quoted string ends, or NULL. A backslash is itself unless it hides a quote, as
 * old clients write one, or a backslash: file names of Windows have some. A quote that ends the
 * parameter is none that is hidden. */
static const char *
skip_quoted(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && (at[1] == '\\' || (at[1] == '"' && at[2] && at[2] != ';')))
			at++;
	return *at ? at + 1 : NULL;
}

static const char *
skip_token(const char *at)
{
	while (text_is_token(*at))
		at++;
	return at;
}

/* One "; name=value". The value is as it was sent, with its quotes. */
struct header_param {
	const char *name, *value;
	size_t name_size, value_size;
};

/* Reads the parameter at `at`. Returns where it ends, or NULL if it is malformed; the name's size
 * is 0 at the end. */
static const char *
next_param(const char *at, struct header_param *param)
{
	const char *end;

	at = skip_blanks(at);
	*param = (struct header_param){ .name = "" };
	if (!*at)
		return at;
	if (*at != ';')
		return NULL;
	param->name = skip_blanks(at + 1);
	at = skip_token(param->name);
	param->name_size = (size_t)(at - param->name);
	if (param->name_size == 0 || *at != '=')
		return NULL;
	param->value = at + 1;
	end = *param->value == '"' ? skip_quoted(param->value) : skip_token(param->value);
	param->value_size = end ? (size_t)(end - param->value) : 0;
	return end;
}

/* Copies a value without its quotes, and without the backslashes that hide something. */
static const char *
copy_value(void *owner, const struct header_param *param)
{
	const char *from = param->value, *end = from + param->value_size;
	char *copy = mem_resize(owner, NULL, param->value_size + 1), *to = copy;

	if (param->value_size > 0 && *from == '"') {
		from++;
		end--;
	}
	while (from < end) {
		if (*from == '\\' && from + 1 < end && (from[1] == '"' || from[1] == '\\'))
			from++;
		*to++ = *from++;
	}
	*to = '\0';
	return copy;
}

/* Finds a parameter. Returns false if they are malformed or it is there twice. *value is NULL if it
 * is not there. */
static bool
find_param(void *owner, const char *at, const char *name, const char **value)
{
	struct header_param param;

	*value = NULL;
	do {
		at = next_param(at, &param);
		if (at && param.name_size == strlen(name)
		    && strncasecmp(param.name, name, param.name_size) == 0) {
			if (*value)
				return false;
			*value = copy_value(owner, &param);
		}
	} while (at && param.name_size > 0);
	return at;
}

/* --- the boundary --- */

static bool
is_boundary(const char *text)
{
	size_t size = strlen(text);

	for (const char *c = text; *c; c++)
		if (!text_is_alnum(*c) && !strchr("'()+_,-./:=? ", *c))
			return false;
	return size > 0 && size <= BOUNDARY_MAX_BYTES && text[size - 1] != ' ';
}

bool
multipart_begin(void *owner, const char *content_type, const char *body, size_t size,
                struct multipart *multipart, struct error *err)
{
	size_t type_size = strcspn(content_type, "; \t");
	const char *boundary;

	if (type_size != sizeof(media_type) - 1
	    || strncasecmp(content_type, media_type, type_size) != 0)
		return error_set(err, FAILURE_MEDIA_TYPE, "The body must be %s", media_type);
	if (!find_param(owner, content_type + type_size, "boundary", &boundary) || !boundary
	    || !is_boundary(boundary))
		return error_set(err, FAILURE_MALFORMED,
		                 "The Content-Type has no boundary as RFC 2046 has it");
	multipart->delimiter = mem_printf(owner, "\r\n--%s", boundary);
	multipart->at = body;
	multipart->end = body + size;
	/* What precedes the first part begins with the second half of a delimiter. */
	if (size < strlen(multipart->delimiter) - 2
	    || memcmp(body, multipart->delimiter + 2, strlen(multipart->delimiter) - 2) != 0)
		return error_set(err, FAILURE_MALFORMED,
		                 "The body does not begin with the boundary of its Content-Type");
	multipart->at += strlen(multipart->delimiter) - 2;
	return true;
}

/* Returns what follows the end of the line, or NULL if something else than blanks is before it. */
static const char *
after_line(const struct multipart *multipart, const char *at)
{
	while (at < multipart->end && (*at == ' ' || *at == '\t'))
		at++;
	if (multipart->end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		return at + 2;
	return NULL;
}

/* The body may end without the end of this line. */
static bool
is_last(const struct multipart *multipart, const char *at)
{
	return multipart->end - at >= 2 && at[0] == '-' && at[1] == '-'
	       && (multipart->end - at == 2 || after_line(multipart, at + 2));
}

/* Returns the next delimiter, or NULL. A line that only begins as one is part of the content. */
static const char *
find_delimiter(const struct multipart *multipart, const char *at)
{
	size_t size = strlen(multipart->delimiter);

	while ((at = memmem(at, (size_t)(multipart->end - at), multipart->delimiter, size))
	       != NULL) {
		if (is_last(multipart, at + size) || after_line(multipart, at + size))
			return at;
		at += size;
	}
	return NULL;
}

/* --- the headers of a part --- */

struct head {
	const char *disposition, *type; /* NULL: not seen */
};

static bool
is_named(const char *line, const char *name)
{
	size_t size = strlen(name);

	return strncasecmp(line, name, size) == 0 && line[size] == ':';
}

static bool
is_harmless_encoding(const char *value)
{
	return text_equal_nocase(value, "binary") || text_equal_nocase(value, "8bit")
	       || text_equal_nocase(value, "7bit");
}

static bool
set_once(const char **at, const char *value)
{
	if (*at)
		return false;
	*at = value;
	return true;
}

/* Takes a line, without its end. */
static bool
read_line(struct head *head, const char *line)
{
	const char *colon = strchr(line, ':'), *value = colon ? skip_blanks(colon + 1) : NULL;

	for (const char *c = line; c != colon; c++)
		if (!text_is_token(*c))
			return false;
	if (is_named(line, "content-disposition"))
		return set_once(&head->disposition, value);
	if (is_named(line, "content-type"))
		return set_once(&head->type, value);
	return colon > line
	       && (!is_named(line, "content-transfer-encoding") || is_harmless_encoding(value));
}

/* Reads lines up to the empty one. Returns where the content begins, or NULL. */
static const char *
read_head(void *owner, const struct multipart *multipart, const char *at, struct head *head)
{
	const char *start = at;

	for (;;) {
		size_t left = (size_t)(multipart->end - at);
		const char *end = memmem(at, left, "\r\n", 2);
		const char *line;

		if (!end || end - start > HEAD_MAX_BYTES)
			return NULL;
		if (end == at)
			return end + 2;
		line = mem_strndup(owner, at, (size_t)(end - at));
		if (strlen(line) != (size_t)(end - at) || !utf8_valid(line, strlen(line), NULL))
			return NULL;
		for (const char *c = line; *c; c++)
			if (text_is_control(*c) && *c != '\t')
				return NULL;
		if (!read_line(head, line))
			return NULL;
		at = end + 2;
	}
}

static const char *
type_of(void *owner, const char *value)
{
	char *type = mem_strndup(owner, value, strcspn(value, "; \t"));

	for (char *c = type; *c; c++)
		*c = text_lower(*c);
	return type;
}

static bool
read_names(void *owner, const struct head *head, struct multipart_part *part)
{
	const char *value = head->disposition;
	size_t size = value ? strcspn(value, "; \t") : 0;

	if (!value || size != 9 || strncasecmp(value, "form-data", size) != 0
	    || !find_param(owner, value + size, "name", &part->name) || !part->name
	    || !find_param(owner, value + size, "filename", &part->file_name))
		return false;
	part->type = head->type ? type_of(owner, head->type) : NULL;
	return true;
}

enum multipart_outcome
multipart_next(void *owner, struct multipart *multipart, struct multipart_part *part,
               struct error *err)
{
	struct head head = { NULL, NULL };
	const char *at, *delimiter;

	if (is_last(multipart, multipart->at))
		return MULTIPART_END;
	at = after_line(multipart, multipart->at);
	if (!at)
		return malformed(err, "A boundary of the body is not at the end of its line");
	at = read_head(owner, multipart, at, &head);
	if (!at || !read_names(owner, &head, part))
		return malformed(err, "The header of a part of the body is not as RFC 7578 has it");
	/* A part without content ends where its header does. */
	delimiter = find_delimiter(multipart, at - 2);
	if (!delimiter)
		return malformed(err, "The body ends in the middle of a part");
	part->bytes = at;
	part->size = delimiter > at ? (size_t)(delimiter - at) : 0;
	multipart->at = delimiter + strlen(multipart->delimiter);
	return MULTIPART_PART;
}
