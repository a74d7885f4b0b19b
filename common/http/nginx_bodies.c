#include "http/nginx_bodies.h"

#include "base/text.h"
#include "http/request.h"

/* Returns the most that a method of the path allows, or 0 if an earlier row has the same path. */
static size_t
path_body_max(const struct route_table *table, size_t at)
{
	const char *path = table->items[at].path;
	size_t most = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->items[i].path, path) != 0)
			continue;
		if (i < at)
			return 0;
		if (route_body_max(&table->items[i]) > most)
			most = route_body_max(&table->items[i]);
	}
	return most;
}

/* A regular expression in quotes: a name in braces is one segment. */
static void
write_path(struct buf *out, const char *path)
{
	buf_text(out, "\"^");
	for (; *path; path++) {
		if (*path == '{') {
			buf_text(out, "[^/]+");
			path += strcspn(path, "}");
		} else {
			if (!text_is_alnum(*path) && !strchr("/_-~", *path))
				buf_text(out, *path == '"' || *path == '\\' ? "." : "\\");
			if (*path != '"' && *path != '\\')
				buf_char(out, *path);
		}
	}
	buf_text(out, "$\"");
}

void
nginx_bodies_write(const struct route_table *table, struct buf *out)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t most = path_body_max(table, i);

		if (most <= REQUEST_BODY_MAX_BYTES)
			continue;
		buf_text(out, "location ~ ");
		write_path(out, table->items[i].path);
		buf_printf(
		    out, " {\n\tclient_max_body_size %zu;\n\tinclude nullpool/endpoint.conf;\n}\n",
		    most);
	}
}
