/* conninfo - the settings' database as one JSON object of libpq keywords, for programs that are not
 * C
 *
 * env.py of Alembic reads it with --migration (the owner's URL, which must not be a pooler's: a
 * migration needs one session for its lock), so that there is one set of rules for settings and
 * URLs. It prints the password: its output is for a pipe.
 */
#include <unistd.h>

#include "base/mem.h"
#include "config/settings.h"

#define EXIT_USAGE       64 /* of sysexits.h, as the next */
#define EXIT_SETTINGS    78

#define FAULTS_MAX_BYTES 65536

static int
print(const struct conninfo *info)
{
	struct buf out;

	buf_init(&out, mem_process(), FAULTS_MAX_BYTES);
	conninfo_json(info, &out);
	(void)puts(out.data);
	return 0;
}

static int
run(bool migration)
{
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf faults;

	buf_init(&faults, mem_process(), FAULTS_MAX_BYTES);
	if (settings_read(mem_process(), environ, settings, &faults) && migration
	    && conninfo_is_pooler(&settings->migration))
		buf_text(
		    &faults,
		    "MIGRATION_DATABASE_URL: the migrations' host is a pooler; name the direct host"
		    " (on Neon without -pooler, on Supabase port 5432)\n");
	if (faults.size == 0)
		return print(migration ? &settings->migration : &settings->database);
	(void)fputs(faults.data, stderr);
	return EXIT_SETTINGS;
}

int
main(int argc, char **argv)
{
	bool migration = argc == 2 && strcmp(argv[1], "--migration") == 0;
	int code;

	if (argc > 2 || (argc == 2 && !migration)) {
		(void)fputs("usage: conninfo [--migration]\n", stderr);
		return EXIT_USAGE;
	}
	code = run(migration);
	mem_end();
	return code;
}
