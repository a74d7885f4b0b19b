/* nginx-conf - prints what nginx needs from the settings, as configuration of its http level
 *
 * These are CORS_ORIGINS, DOCS and API_PREFIX, read by the rules of the programs. An origin is in
 * the form that browsers send, so it has only letters, digits and the characters .-_+:[]/
 *
 * The first line is a comment with the number of connections that one endpoint needs:
 * worker_connections is a directive of another level.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/queue.h"
#include "config/settings.h"

#define TEXT_MAX_BYTES 65536

/* Writes a regular expression, because nginx compares plain texts without regard to case, and
 * origins are exact. */
static void
write_origin(struct buf *out, const char *origin, size_t size)
{
	buf_text(out, "\t\"~^");
	for (size_t i = 0; i < size; i++) {
		if (strchr(".[]+", origin[i]))
			buf_char(out, '\\');
		buf_char(out, origin[i]);
	}
	buf_text(out, "$\" $http_origin;\n");
}

static void
write_origins(struct buf *out, const char *origins)
{
	size_t size;

	buf_text(out, "map $http_origin $nullpool_cors_origin {\n");
	for (; (size = text_next_item(&origins)) > 0; origins += size)
		write_origin(out, origins, size);
	buf_text(out, "\tdefault \"\";\n}\n");
}

/* The path as the programs know it: without the prefix. Probes know none. */
static void
write_path(struct buf *out, const char *prefix)
{
	struct buf escaped;

	buf_text(out, "map $request_uri $nullpool_path {\n");
	if (!*prefix) {
		buf_text(out, "\tdefault $request_uri;\n}\n");
		return;
	}
	buf_init(&escaped, mem_process(), TEXT_MAX_BYTES);
	for (const char *c = prefix; *c; c++)
		buf_printf(&escaped, *c == '.' ? "\\%c" : "%c", *c);
	buf_text(out, "\t\"~^/health(?:[/?]|$)\" $request_uri;\n");
	/* It has a location of its own, which is not open to everybody. */
	buf_printf(out, "\t\"~^%s/metrics(?:[/?]|$)\" \"\";\n", escaped.data);
	buf_printf(out, "\t\"~^%s(/.*)$\" $1;\n", escaped.data);
	buf_printf(out, "\t\"~^%s(?:\\?.*)?$\" /;\n", escaped.data);
	buf_text(out, "\tdefault \"\";\n}\n");
}

static int
print_conf(void)
{
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf out;

	buf_init(&out, mem_process(), TEXT_MAX_BYTES);
	if (!settings_read(mem_process(), environ, NULL, settings, &out)) {
		(void)fputs(out.data, stderr);
		return EXIT_SETTINGS;
	}
	buf_printf(
	    &out, "# connections of an endpoint: %" PRId64 "\n",
	    queue_connections(settings->database_pool_size + settings->database_max_overflow));
	buf_text(&out, "# Written by nginx-conf from CORS_ORIGINS, DOCS and API_PREFIX."
	               " Run it again when these change.\n");
	write_path(&out, settings->api_prefix);
	write_origins(&out, settings->cors_origins);
	buf_printf(&out, "map \"\" $nullpool_docs {\n\tdefault \"%s\";\n}\n",
	           settings->docs ? "on" : "");
	(void)fputs(out.data, stdout);
	return out.overflow ? EXIT_SETTINGS : EXIT_DONE;
}

int
main(int argc, char **argv)
{
	int code;

	(void)argv;
	if (argc > 1) {
		(void)fputs("usage: nginx-conf\n", stderr);
		return EXIT_USAGE;
	}
	code = print_conf();
	mem_end();
	return code;
}
