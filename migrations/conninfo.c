/* conninfo - prints the database of the settings as one JSON object of libpq keywords, for programs
 * that are not written in C
 *
 * Alembic's env.py reads it with --migration, so that settings and URLs have one set of rules. With
 * --migration it is the owner's URL, which must not be that of a pooler: a migration needs one
 * session for its lock. The output contains the password, so it belongs into a pipe.
 */
#include <unistd.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "config/settings.h"

#define FAULTS_MAX_BYTES 65536

static int
print_conninfo(const struct conninfo *info)
{
	struct buf out;

	buf_init(&out, mem_process(), FAULTS_MAX_BYTES);
	conninfo_json(info, &out);
	(void)puts(out.data);
	return EXIT_DONE;
}

static int
read_and_print(bool migration)
{
	struct settings *settings = mem_new(mem_process(), struct settings);
	struct buf faults;

	buf_init(&faults, mem_process(), FAULTS_MAX_BYTES);
	if (settings_read(mem_process(), environ, NULL, settings, &faults) && migration
	    && conninfo_is_pooler(&settings->migration))
		buf_text(&faults, "MIGRATION_DATABASE_URL: the migrations' host is a pooler;"
		                  " use the direct host (on Neon without -pooler,"
		                  " on Supabase port 5432)\n");
	if (faults.size == 0)
		return print_conninfo(migration ? &settings->migration : &settings->database);
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
	code = read_and_print(migration);
	mem_end();
	return code;
}
