#include "doctor/migrations.h"

#include <glob.h>

#include "base/mem.h"

#define REVISION_BYTES 64
#define LINE_BYTES     512

struct revision {
	char name[REVISION_BYTES], follows[REVISION_BYTES];
};

/* Alembic's template has both at the beginning of a line. */
static struct revision
read_revision(const char *path)
{
	struct revision revision = { .name = "" };
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "revision = \"%63[^\"]", revision.name) != 1)
			(void)sscanf(line, "down_revision = \"%63[^\"]", revision.follows);
	if (file)
		(void)fclose(file);
	return revision;
}

static bool
is_followed(const struct revision *revisions, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(revisions[i].follows, name) == 0)
			return true;
	return false;
}

static const char *
find_head(void *owner, const char *pattern)
{
	const char *head = NULL;
	glob_t found;

	if (glob(pattern, 0, NULL, &found) == 0) {
		struct revision *revisions = mem_array(NULL, struct revision, found.gl_pathc);

		for (size_t i = 0; i < found.gl_pathc; i++)
			revisions[i] = read_revision(found.gl_pathv[i]);
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (revisions[i].name[0]
			    && !is_followed(revisions, found.gl_pathc, revisions[i].name))
				head = mem_strdup(owner, revisions[i].name);
		mem_free(revisions);
		globfree(&found);
	}
	return head;
}

const char *
migrations_head(void *owner)
{
	static const char *const patterns[] = {
		"migrations/versions/*.py", "/usr/local/share/nullpool/migrations/versions/*.py",
		"/usr/share/nullpool/migrations/versions/*.py"
	};
	const char *head = NULL;

	for (size_t i = 0; !head && i < COUNT_OF(patterns); i++)
		head = find_head(owner, patterns[i]);
	return head;
}
