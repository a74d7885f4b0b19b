/* pattern.h - the regular expressions of a program's table: checked and compiled when it starts,
 * matched without surprises
 *
 * glibc's regexec() builds the states of an automaton as a text needs them, and keeps them. Three
 * things of it cost a worker seconds or its memory, and are not left to chance here: it tries every
 * start of a text unless the expression is anchored (quadratic), a back-reference makes it search
 * (exponential), and repetitions are written out ({255} of {255} is 65,025 copies).
 */
#ifndef NULLPOOL_HTTP_PATTERN_H
#define NULLPOOL_HTTP_PATTERN_H

#include "base/attributes.h"

#define PATTERN_MAX_BYTES 1000
/* Of an expression with its repetitions written out: characters, classes, dots, groups and bars. */
#define PATTERN_MAX_ATOMS 1000
/* Of the values, in characters: its .max may not be above. */
#define PATTERN_MAX_VALUE 10000

/* Compiles an extended regular expression, once for the process and those that it forks. Returns
 * NULL, or what is wrong with it: "has …". */
const char *pattern_compile(const char *pattern);

/* Returns true if all of the text matches; false also if the expression is one that
 * pattern_compile() refuses. */
bool pattern_matches(const char *pattern, const char *text);

/* Whether ECMA's expressions, which JSON Schema means, read it as POSIX does. They know no
 * [[:alpha:]], no \ that is itself in brackets, no {,3} and no a+? that may be nothing. */
bool pattern_is_ecma(const char *pattern);

#endif
