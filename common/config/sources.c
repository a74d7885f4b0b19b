#include "config/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define ENV_FILE_DEFAULT ".env"
#define CREDENTIALS      "CREDENTIALS_DIRECTORY"

/* Reads up to DOTENV_MAX_BYTES + 1 bytes, so that the caller can tell that a file is too long. */
static bool
read_whole(int fd, char *text, size_t *size)
{
	ssize_t got;

	for (*size = 0; *size <= DOTENV_MAX_BYTES; *size += (size_t)got) {
		do {
			got = read(fd, text + *size, DOTENV_MAX_BYTES + 1 - *size);
		} while (got < 0 && errno == EINTR);
		if (got <= 0)
			return got == 0;
	}
	return true;
}

void
sources_open(struct sources *sources, void *owner, char *const *environment, struct buf *faults)
{
	const char *wanted = environment_get(environment, ENV_FILE);
	const char *name = wanted ? wanted : ENV_FILE_DEFAULT;
	char *text = mem_resize(owner, NULL, DOTENV_MAX_BYTES + 1);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct error err;
	struct stat status = { .st_mode = 0 };
	size_t size;

	*sources = (struct sources){ .owner = owner, .environment = environment, .faults = faults };
	if (fd < 0 && errno == ENOENT && name != wanted)
		return;
	if (fd < 0) {
		buf_printf(faults, "%s: could not open \"%s\": %s\n", ENV_FILE, name,
		           strerror(errno));
		return;
	}
	if (strcmp(name, "/dev/null") == 0) {
		(void)close(fd);
		return;
	}
	if (fstat(fd, &status) != 0 || !read_whole(fd, text, &size))
		buf_printf(faults, "%s: could not read \"%s\": %s\n", ENV_FILE, name,
		           strerror(errno));
	else if (!dotenv_parse(owner, text, size, environment, &sources->file, &err))
		buf_printf(faults, "%s: could not parse \"%s\": %s\n", ENV_FILE, name, err.message);
	else
		sources->file_name = mem_strdup(owner, name);
	sources->file_is_exposed = (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
	(void)close(fd);
}

/* Reads a secret from the file that systemd's LoadCredential= (systemd.exec(5)) made for this
 * service alone. Returns NULL if there is no such file. A file that exists but cannot be read is a
 * fault, since the value of another source would silently take its place. Newlines at the end are
 * dropped: editors add them. */
static const char *
read_credential(const struct sources *sources, const char *name)
{
	const char *directory = environment_get(sources->environment, CREDENTIALS);
	char *text = NULL, *path;
	size_t size;
	int fd;

	if (!directory)
		return NULL;
	path = mem_printf(sources->owner, "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return NULL;
	text = mem_resize(sources->owner, NULL, DOTENV_MAX_BYTES + 2);
	if (fd < 0 || !read_whole(fd, text, &size)) {
		buf_printf(sources->faults, "%s: could not read its credential: %s\n", name,
		           strerror(errno));
		size = 0;
	}
	while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
		size--;
	text[size] = '\0';
	if (fd >= 0)
		(void)close(fd);
	return text;
}

/* Returns the file's value of a name, or NULL. An unresolved ${NAME} is a fault only in an entry
 * that is used: other programs may share the file. */
static const char *
find_in_file(const struct sources *sources, const char *name)
{
	const struct dotenv_entry *entry = dotenv_get(&sources->file, name);

	if (!entry || !*entry->value)
		return NULL;
	if (entry->unresolved)
		buf_printf(sources->faults,
		           "%s: has a ${...} of a variable that is not set (put a literal ${...}"
		           " in single quotes)\n",
		           name);
	return entry->value;
}

struct source_text
sources_find(const struct sources *sources, const char *name, const char *alias, bool secret)
{
	const char *source = "environment", *text = environment_get(sources->environment, name);

	if (!text && alias)
		text = environment_get(sources->environment, alias);
	if (!text && secret) {
		source = "credential";
		text = read_credential(sources, name);
	}
	if (!text || !*text) {
		source = sources->file_name;
		text = find_in_file(sources, name);
	}
	if (!text && alias)
		text = find_in_file(sources, alias);
	if (!text)
		return (struct source_text){ NULL, "default" };
	return (struct source_text){ mem_strdup(sources->owner, text), source };
}

bool
sources_has(const struct sources *sources, bool in_file, const char *name)
{
	return environment_get(sources->environment, name)
	       || (in_file && dotenv_get(&sources->file, name));
}

void
source_hide_variable(const char *name)
{
	char *shown = getenv(name);
	size_t size = shown ? strlen(shown) : 0;

	/* setenv() allocates a new text with a copy of the value. */
	if (size > 0 && setenv(name, shown, 1) == 0)
		memset(shown, 'x', size);
}
