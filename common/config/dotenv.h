/* dotenv.h - files of NAME=value lines, as python-dotenv and Docker read them
 *
 * A line is empty, a comment (#) or [export] NAME=value. A value has one of three forms:
 *
 * - bare: ends before a # that follows white space, and is trimmed;
 * - 'single-quoted': taken literally;
 * - "double-quoted": has the escapes \n \r \t \\ \" \$, and may span lines.
 *
 * In bare and double-quoted values, ${NAME} and ${NAME:-default} are replaced by the environment
 * variable NAME, or else by the entry of that name above. Any other $ is literal.
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
	bool unresolved; /* refers to a NAME that is not set and has no default: not used */
};

struct dotenv {
	struct dotenv_entry *entries;
	size_t count;
};

/* Parses a file. The entries belong to owner; `environment` has the form of environ. An error has
 * the number of the line and what is wrong with it, never its text. */
NP_MUST_CHECK bool dotenv_parse(void *owner, const char *text, size_t size,
                                char *const *environment, struct dotenv *file, struct error *err);

/* Returns the last entry of that name, or NULL. */
const struct dotenv_entry *dotenv_get(const struct dotenv *file, const char *name);

/* Returns the value of a variable in environ or a list of that form; NULL if it is absent or empty.
 */
const char *environment_get(char *const *environment, const char *name);

#endif
