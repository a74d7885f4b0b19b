/* dotenv.h - NAME=value files, as python-dotenv and docker read them
 *
 * A line is empty, a comment (#), or [export] NAME=value. A value is bare (ends at a # after white
 * space, trimmed), 'single quoted' (as it is) or "double quoted" (\n \r \t \\ \" \$ mean what they
 * say; may span lines). In bare and double-quoted values ${NAME} and ${NAME:-default} stand for the
 * variable of the environment, else for the entry above. A $ without a name in braces stands for
 * itself.
 */
#ifndef NULLPOOL_CONFIG_DOTENV_H
#define NULLPOOL_CONFIG_DOTENV_H

#include "base/attributes.h"
#include "base/error.h"

#define DOTENV_MAX_BYTES   65536
#define DOTENV_MAX_ENTRIES 512

struct dotenv_entry {
	const char *name;
	const char *value;
	bool incomplete; /* a ${NAME} without a default was not set, and came to nothing */
};

struct dotenv {
	struct dotenv_entry *entries;
	size_t count;
};

/* All that it makes belongs to owner; `environment` is of environ's form. False: the line and what
 * is wrong with it, never its text. */
NP_MUST_CHECK bool dotenv_parse(void *owner, const char *text, size_t size,
                                char *const *environment, struct dotenv *file, struct error *err);

/* The last entry of that name, or NULL. */
const struct dotenv_entry *dotenv_get(const struct dotenv *file, const char *name);

/* The value of a variable in environ or a list of its form; NULL if it is absent or empty. */
const char *environment_get(char *const *environment, const char *name);

#endif
