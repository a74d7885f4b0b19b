/* pattern.h - the regular expressions of a program's table: checked and compiled when it starts, matched without surprises
 *
 * glibc's regexec() builds the states of an automaton as a text needs them, and keeps them. Three things of it cost a worker
 * seconds or its memory, and are not left to chance here: it tries every start of a text unless the expression is anchored
 * (quadratic), a back-reference makes it search (exponential), and repetitions are written out ({255} of {255} is 65,025
 * copies).
 */
#ifndef NULLPOOL_HTTP_PATTERN_H
#define NULLPOOL_HTTP_PATTERN_H

#include "base/attributes.h"

#define PATTERN_MAX_BYTES 1000
/* Of an expression with its repetitions written out: characters, classes, dots, groups and bars. */
#define PATTERN_MAX_ATOMS 1000
/* Of the values, in characters: its .max may not be above. */
#define PATTERN_MAX_VALUE 10000

/* Returns NULL if it is an extended regular expression that may stand in a table, or what is wrong with it: "has …". */
const char *pattern_fault(const char *pattern);

/* Whether all of the text matches. An expression is compiled once, and kept as long as the process. */
bool pattern_matches(const char *pattern, const char *text);

#endif
