#include "http/operation_name.h"

#include "base/text.h"
#include "http/route.h"

/* Writes camel case: a word begins behind each character that is neither letter nor digit. */
static void
write_words(struct buf *out, const char *text, size_t size)
{
	bool begins = true;

	for (size_t i = 0; i < size; i++) {
		if (text_is_alnum(text[i]))
			buf_char(out, begins ? text_upper(text[i]) : text[i]);
		begins = !text_is_alnum(text[i]);
	}
}

static bool
ends_with(const char *text, size_t size, const char *suffix)
{
	size_t length = strlen(suffix);

	return size > length && strncmp(text + size - length, suffix, length) == 0;
}

/* Writes the singular of an English plural. Returns false, and writes the word as it is, if it is
 * not a known plural. */
static bool
write_singular(struct buf *out, const char *text, size_t size)
{
	static const char *const with_es[] = { "sses", "shes", "ches", "xes" };
	static const char *const unchanged[] = { "ss", "us", "is", "news", "series" };
	size_t singular = size;

	for (size_t i = 0; i < COUNT_OF(with_es) && singular == size; i++)
		if (ends_with(text, size, with_es[i]))
			singular = size - 2;
	for (size_t i = 0; i < COUNT_OF(unchanged); i++)
		if (ends_with(text, size, unchanged[i])) {
			write_words(out, text, size);
			return false;
		}
	if (ends_with(text, size, "ies")) {
		write_words(out, text, size - 3);
		buf_char(out, 'y');
		return true;
	}
	if (singular == size && ends_with(text, size, "s"))
		singular = size - 1;
	write_words(out, text, singular);
	return singular < size;
}

static const char *
verb_of(const struct np_route *route)
{
	static const char *const verbs[][2] = { { "POST", "create" },
		                                { "PUT", "replace" },
		                                { "PATCH", "update" },
		                                { "DELETE", "delete" } };

	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (route_has_method(route, verbs[i][0]))
			return verbs[i][1];
	return route->page ? "list" : "get";
}

/* A {name} makes the segment before it singular: /users/{id} is a user. The name is added (ById) if
 * that segment is not a plural, or if the {name} ends the path of a POST, where /users alone
 * already means a user. */
static void
write_path(struct buf *out, const char *path, bool post)
{
	bool singular = false;

	while (*path++ == '/') {
		size_t size = strcspn(path, "/");
		bool last = !path[size], param = *path == '{' && size > 2;

		if (param && (!singular || (post && last))) {
			buf_text(out, "By");
			write_words(out, path + 1, size - 2);
		} else if (!param && (strncmp(path + size, "/{", 2) == 0 || (post && last))) {
			singular = write_singular(out, path, size);
		} else if (!param) {
			write_words(out, path, size);
		}
		singular = singular && !param;
		path += size;
	}
}

void
operation_name(const struct np_route *route, struct buf *out)
{
	if (route->docs.operation) {
		buf_text(out, route->docs.operation);
		return;
	}
	buf_text(out, verb_of(route));
	if (strcmp(route->path, "/") == 0)
		buf_text(out, "Root");
	else
		write_path(out, route->path, route_has_method(route, "POST"));
}
