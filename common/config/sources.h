/* sources.h - where the text of a setting comes from
 *
 * The sources are asked in this order: the environment; for a secret, systemd's credentials; the
 * settings file. An empty value counts as not set, so the next source is asked.
 *
 * The settings file is the one that NULLPOOL_ENV_FILE names; /dev/null means no file. Without that
 * variable it is .env in the working directory, if it exists.
 */
#ifndef NULLPOOL_CONFIG_SOURCES_H
#define NULLPOOL_CONFIG_SOURCES_H

#include "base/attributes.h"
#include "base/buf.h"
#include "config/dotenv.h"

#define ENV_FILE "NULLPOOL_ENV_FILE"

struct sources {
	void *owner;
	char *const *environment; /* in the form of environ */
	struct buf *faults;       /* one line for each fault, "NAME: what is wrong" */
	const char *file_name;    /* NULL if no file was read */
	bool file_is_exposed;     /* users other than its owner and group may read or write it */
	struct dotenv file;
};

struct source_text {
	const char *text;   /* NULL if no source has one: the default is in force */
	const char *source; /* "environment", "credential", the file's name or "default" */
};

/* Reads the settings file. A file that cannot be read is a fault. All memory belongs to owner;
 * environment and faults are borrowed. */
void sources_open(struct sources *sources, void *owner, char *const *environment,
                  struct buf *faults);

/* Finds the text of a setting. The alias, which may be NULL, is asked after the name in the
 * environment and in the file. Credentials are looked up for secrets only, and by name only. */
struct source_text sources_find(const struct sources *sources, const char *name, const char *alias,
                                bool secret);

/* Returns true if the environment has the variable, or (in_file) the file has the entry. */
bool sources_has(const struct sources *sources, bool in_file, const char *name);

/* Overwrites the value in the memory that this process was started with, and sets the variable to a
 * copy. For a process with a single thread. */
void source_hide_variable(const char *name);

#endif
