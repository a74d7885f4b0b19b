#include "http/pattern.h"

#include <regex.h>

#include "base/mem.h"
#include "base/text.h"

#define GROUPS_MAX 32

/* After this many bytes an automaton is built anew, which takes 20 microseconds. A byte adds at
 * most one state, of some 3 KB. Ordinary expressions have few; one such as (a|b)*a(a|b){12} gets
 * more with every other value, without end. */
#define REBUILD_AFTER_BYTES 16384

/* The atoms of an expression, counted group by group. */
struct measure {
	size_t atoms;             /* so far, in the innermost open group */
	size_t last;              /* in the part that a repetition would repeat */
	size_t outer[GROUPS_MAX]; /* before each open group */
	int depth;
};

struct compiled {
	const char *pattern;
	regex_t regex;
	size_t read_bytes;
	struct compiled *next;
};

static struct compiled *all_compiled;

/* Returns what follows the bracket expression whose [ is at `at`; POSIX 9.3.5. */
static const char *
skip_bracket(const char *at)
{
	at++;
	at += *at == '^';
	at += *at == ']';
	while (*at && *at != ']') {
		char kind = at[0] == '[' ? at[1] : '\0';

		if (kind == ':' || kind == '.' || kind == '=') {
			for (at += 2; *at && !(at[0] == kind && at[1] == ']'); at++)
				;
			at += *at != '\0';
		}
		at += *at != '\0';
	}
	return at + (*at == ']');
}

static size_t
read_count(const char **at)
{
	size_t count = 0;

	for (; text_is_digit(**at); ++*at)
		if (count <= PATTERN_MAX_ATOMS)
			count = count * 10 + (size_t)(**at - '0');
	return count;
}

/* Returns how many copies the interval at *at ({n}, {n,} or {n,m}) makes, and moves *at behind it.
 * Returns 0 if it is not an interval. */
static size_t
read_interval(const char **at)
{
	const char *end = *at + 1;
	size_t least = read_count(&end), most = least;

	if (*end == ',') {
		end++;
		most = text_is_digit(*end) ? read_count(&end) : least + 1;
	}
	if (*end != '}' || end == *at + 1)
		return 0;
	*at = end + 1;
	return most > 0 ? most : 1;
}

static void
add_atoms(struct measure *measure, size_t atoms)
{
	measure->atoms += atoms;
	measure->last = atoms;
}

static void
repeat_last(struct measure *measure, size_t copies)
{
	measure->atoms += measure->last * (copies - 1);
	measure->last *= copies;
}

/* Reads a backslash and the character that it escapes. Returns a fault, or NULL. */
static const char *
read_escape(struct measure *measure, const char **at)
{
	if ((*at)[1] >= '1' && (*at)[1] <= '9')
		return "has a pattern with a back-reference";
	*at += (*at)[1] ? 2 : 1;
	add_atoms(measure, 1);
	return NULL;
}

static const char *
read_group(struct measure *measure, const char **at)
{
	if (*(*at)++ == '(') {
		if (measure->depth == GROUPS_MAX)
			return "has a pattern with groups nested too deeply";
		measure->outer[measure->depth++] = measure->atoms;
		measure->atoms = measure->last = 0;
		return NULL;
	}
	/* To glibc it is a character, but inside our own parentheses it would close them. */
	if (measure->depth == 0)
		return "has a pattern with an unmatched )";
	measure->last = measure->atoms + 1;
	measure->atoms = measure->outer[--measure->depth] + measure->last;
	return NULL;
}

/* Reads one part of an expression that regcomp() may accept. Returns a fault, or NULL. */
static const char *
read_part(struct measure *measure, const char **at)
{
	size_t copies;

	switch (**at) {
	case '\\':
		return read_escape(measure, at);
	case '(':
	case ')':
		return read_group(measure, at);
	case '[':
		*at = skip_bracket(*at);
		add_atoms(measure, 1);
		return NULL;
	case '{':
		copies = read_interval(at);
		if (copies > 0) {
			repeat_last(measure, copies);
			return NULL;
		}
		break;
	case '+':
		/* Expanded as one and any number more: a+++ is eight. */
		repeat_last(measure, 2);
		++*at;
		return NULL;
	case '*':
	case '?':
		++*at;
		return NULL;
	default:
		break;
	}
	++*at;
	add_atoms(measure, 1);
	return NULL;
}

static const char *
pattern_fault(const char *pattern)
{
	struct measure measure = { .atoms = 0 };
	const char *fault = NULL;
	regex_t regex;

	if (strlen(pattern) > PATTERN_MAX_BYTES)
		return "has a pattern of more than 1,000 bytes";
	for (const char *at = pattern; *at && !fault;) {
		fault = read_part(&measure, &at);
		if (measure.atoms > PATTERN_MAX_ATOMS)
			fault = "has a pattern that repeats too much: its expanded repetitions have"
			        " more than 1,000 parts";
	}
	/* Comes last, because it expands the repetitions. */
	if (!fault && regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return "has a pattern that is not an extended regular expression";
	if (!fault)
		regfree(&regex);
	return fault;
}

/* Anchors the expression at both ends. */
static void
build_automaton(struct compiled *compiled)
{
	void *scope = mem_scope(NULL, "pattern");

	if (regcomp(&compiled->regex, mem_printf(scope, "^(%s)$", compiled->pattern),
	            REG_EXTENDED | REG_NOSUB)
	    != 0)
		mem_exhausted();
	compiled->read_bytes = 0;
	mem_free(scope);
}

static void
free_regex(void *regex)
{
	regfree(regex);
}

static struct compiled *
find_compiled(const char *pattern)
{
	struct compiled *one = all_compiled;

	while (one && one->pattern != pattern && strcmp(one->pattern, pattern) != 0)
		one = one->next;
	return one;
}

static void
add_compiled(const char *pattern)
{
	struct compiled *one = mem_new(mem_process(), struct compiled);

	one->pattern = mem_strdup(one, pattern);
	one->next = all_compiled;
	build_automaton(one);
	mem_own(one, &one->regex, free_regex);
	all_compiled = one;
}

const char *
pattern_compile(const char *pattern)
{
	const char *fault;

	if (find_compiled(pattern))
		return NULL;
	fault = pattern_fault(pattern);
	if (!fault)
		add_compiled(pattern);
	return fault;
}

bool
pattern_matches(const char *pattern, const char *text)
{
	struct compiled *one;

	if (pattern_compile(pattern))
		return false;
	one = find_compiled(pattern);
	if (one->read_bytes > REBUILD_AFTER_BYTES) {
		regfree(&one->regex);
		build_automaton(one);
	}
	one->read_bytes += strlen(text);
	return regexec(&one->regex, text, 0, NULL, 0) == 0;
}

/* --- for the OpenAPI document --- */

static bool
is_ecma_bracket(const char *at, const char *end)
{
	at += at[1] == '^' ? 2 : 1;
	return *at != ']' && strcspn(at, "[\\") >= (size_t)(end - at);
}

/* Returns what follows the part at `at`, or NULL if ECMAScript reads the part differently. Sets
 * *atom if the part may be repeated. */
static const char *
skip_ecma(const char *at, bool *atom)
{
	bool after_atom = *atom;
	const char *end;

	*atom = false;
	switch (*at) {
	case '^':
	case '$':
	case '|':
	case '(':
		return at + 1;
	case '*':
	case '+':
	case '?':
		return after_atom ? at + 1 : NULL;
	case '{':
		end = strchr(at, '}');
		return after_atom && end && text_is_digit(at[1]) ? end + 1 : NULL;
	case ']':
	case '}':
		return NULL;
	default:
		break;
	}
	*atom = true;
	if (*at == '[') {
		end = skip_bracket(at);
		return is_ecma_bracket(at, end) ? end : NULL;
	}
	if (*at == '\\')
		return at[1] && strchr("^$\\.*+?()[]{}|/wWsS", at[1]) ? at + 2 : NULL;
	return at + 1;
}

bool
pattern_is_ecma(const char *pattern)
{
	bool atom = false;

	while (pattern && *pattern)
		pattern = skip_ecma(pattern, &atom);
	return pattern != NULL;
}
