#include "config/near_names.h"

#include "base/text.h"

#define NAME_MAX_BYTES     64
#define SHORT_NAME_BYTES   6  /* shorter names are near too many words: DOCS, DEBUG, ENV */
#define LONG_NAME_BYTES    12 /* from this length on, two edits still leave the same name */
#define EDITS_OF_LONG_NAME 2

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The optimal string alignment distance: it counts insertions, deletions, substitutions and swaps
 * of neighbours. */
static size_t
edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][NAME_MAX_BYTES + 1], *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *free_row = before;

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 1,
			               last[j - 1]
			                   + (text_upper(a[i - 1]) != text_upper(b[j - 1])));
			if (i > 1 && j > 1 && text_upper(a[i - 1]) == text_upper(b[j - 2])
			    && text_upper(a[i - 2]) == text_upper(b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = free_row;
	}
	return last[b_size];
}

/* Returns true for the end of a plural or numbered name (DB_HOSTS, DATABASE_URL2), which names
 * something else on purpose. */
static bool
is_distinct_suffix(const char *rest)
{
	if (strcmp(rest, "S") == 0)
		return true;
	while (text_is_digit(*rest) || *rest == '_')
		rest++;
	return !*rest;
}

bool
names_are_near(const char *name, const char *known)
{
	size_t size = strlen(name), known_size = strlen(known);
	size_t most = known_size >= LONG_NAME_BYTES ? EDITS_OF_LONG_NAME : 1;

	if (known_size < SHORT_NAME_BYTES || known_size > NAME_MAX_BYTES || size > known_size + most
	    || size + most < known_size)
		return false;
	if (size > known_size && text_starts(name, known) && is_distinct_suffix(name + known_size))
		return false;
	return edit_distance(name, size, known, known_size) <= most;
}
