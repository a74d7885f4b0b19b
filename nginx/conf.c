/* nginx-conf - what of the settings nginx has to know, as configuration of its http level on
 * standard output
 *
 * Its first line says how many connections one endpoint needs: worker_connections stands at another
 * level.
 *
 * CORS_ORIGINS and DOCS, read by the rules of the programs. Origins are as browsers send them:
 * letters, digits and
 * .-_+:[]/ are all that is in them.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/queue.h"
#include "config/settings.h"

#define EXIT_USAGE     64 /* of sysexits.h, as the next */
#define EXIT_SETTINGS  78

#define TEXT_MAX_BYTES 65536

/* As an expression, since nginx compares texts without regard to case, and origins are exact. */
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

static int
run(void)
{
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf out;

	buf_init(&out, mem_process(), TEXT_MAX_BYTES);
	if (!settings_read(mem_process(), environ, settings, &out)) {
		(void)fputs(out.data, stderr);
		return EXIT_SETTINGS;
	}
	buf_printf(
	    &out, "# connections of an endpoint: %" PRId64 "\n",
	    queue_connections(settings->database_pool_size + settings->database_max_overflow));
	buf_text(
	    &out,
	    "# Made by nginx-conf of CORS_ORIGINS and DOCS: to be made anew when these change.\n");
	write_origins(&out, settings->cors_origins);
	buf_printf(&out, "map \"\" $nullpool_docs {\n\tdefault \"%s\";\n}\n",
	           settings->docs ? "on" : "");
	(void)fputs(out.data, stdout);
	return out.overflow ? EXIT_SETTINGS : 0;
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
	code = run();
	mem_end();
	return code;
}
