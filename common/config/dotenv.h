/* dotenv.h - KEY=value files, as python-dotenv and docker read them
 *
 * A line is empty, a comment (#), or [export] NAME=value. A value is bare (ends at a # after white space, trimmed),
 * 'single quoted' (as it is) or "double quoted" (\n \r \t \\ \" \$ mean what they say; may span lines).
 * There is no ${expansion}: a password with a dollar sign is taken as it stands.
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
};

struct dotenv {
	struct dotenv_entry *entries;
	size_t count;
};

/* All that it makes belongs to owner. False: the line and what is wrong with it, never its text. */
NP_MUST_CHECK bool dotenv_parse(void *owner, const char *text, size_t size, struct dotenv *file,
                                struct error *err);

/* The value of the last entry of that name, or NULL. */
const char *dotenv_get(const struct dotenv *file, const char *name);

#endif
