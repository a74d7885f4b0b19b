/* pattern.h - the regular expressions of a program's table: checked and compiled when the program
 * starts, matched at a bounded cost
 *
 * glibc's regexec() builds the states of an automaton when a text needs them, and keeps them. Three
 * properties of it can cost a worker seconds or its memory, and are excluded here: it tries every
 * start in a text unless the expression is anchored (quadratic), a back-reference makes it search
 * (exponential), and repetitions are expanded ({255} of {255} is 65,025 copies).
 */
#ifndef NULLPOOL_HTTP_PATTERN_H
#define NULLPOOL_HTTP_PATTERN_H

#include "base/attributes.h"

#define PATTERN_MAX_BYTES 1000
/* Characters, classes, dots, groups and bars of an expression whose repetitions are expanded. */
#define PATTERN_MAX_ATOMS 1000
/* The .max of a parameter with a pattern, in characters, is at most this. */
#define PATTERN_MAX_VALUE 10000

/* Compiles an extended regular expression once, for this process and those that it forks. Returns
 * NULL, or what is wrong with it: "has …". */
const char *pattern_compile(const char *pattern);

/* Returns true if the expression matches the whole text; false also if pattern_compile() refuses
 * the expression. */
bool pattern_matches(const char *pattern, const char *text);

/* Returns true if ECMAScript, whose expressions JSON Schema uses, reads the expression as POSIX
 * does. ECMAScript has no [[:alpha:]], no \ that means itself in brackets, no {,3}, and no a+?
 * that can match nothing. */
bool pattern_is_ecma(const char *pattern);

#endif
