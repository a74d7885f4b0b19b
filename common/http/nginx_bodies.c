#include "http/nginx_bodies.h"

#include "http/request.h"

static void
write_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '.')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
}

/* A name is letters, digits, dashes and underscores, as http.conf has it. */
void
nginx_bodies_write(const char *name, const char *prefix, const struct route_table *table,
                   struct buf *out)
{
	size_t most = route_table_body_max(table);

	if (most <= REQUEST_BODY_MAX_BYTES)
		return;
	buf_text(out, "location ~ ^");
	write_escaped(out, prefix);
	/* The program of / is root. */
	if (strcmp(name, "root") == 0)
		buf_text(out, "(?:$|/(?:$|root(?:/|$))) {\n");
	else
		buf_printf(out, "/%s(?:/|$) {\n", name);
	buf_printf(out, "\tclient_max_body_size %zu;\n\tinclude nullpool/endpoint.conf;\n}\n",
	           most);
}
