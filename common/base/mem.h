/* mem.h - one tree of lifetimes, by talloc
 *
 * There are three: the process (mem_process()), a request, and a function's own scope. Everything
 * has an owner and is released with it, in reverse order; mem_own() brings in what other libraries
 * allocate. Nothing here returns NULL: out of memory is logged and ends the process with 70, and
 * the pool replaces it.
 */
#ifndef NULLPOOL_BASE_MEM_H
#define NULLPOOL_BASE_MEM_H

#include <stdarg.h>

#include "base/attributes.h"

/* Owner of what lives as long as the process; mem_end() releases it (at exit, so that leaks can be
 * seen). */
void *mem_process(void);
void mem_end(void);

/* Reports that memory is used up and ends the process; for callers whose allocation another library
 * makes. */
NORETURN void mem_exhausted(void);

/* `report` is called before the process ends for want of memory. It must not allocate. */
void mem_on_exhausted(void (*report)(void));

/* A scope of its own below owner; release it with mem_free(). */
RETURNS_OWNED void *mem_scope(void *owner, const char *name);

/* Releases a thing and all it owns. NULL is nothing to release. */
void mem_free(void *thing);

/* Zeroed. */
#define mem_new(owner, type)          ((type *)mem_zeroed(owner, sizeof(type), 1, #type))
#define mem_array(owner, type, count) ((type *)mem_zeroed(owner, sizeof(type), count, #type))
RETURNS_OWNED void *mem_zeroed(void *owner, size_t size, size_t count, const char *name);

/* Moves a block (or makes it, from NULL) to a size of at least one byte; new bytes are not zeroed.
 */
RETURNS_OWNED char *mem_resize(void *owner, char *block, size_t size);

RETURNS_OWNED char *mem_strdup(void *owner, const char *text);
RETURNS_OWNED char *mem_strndup(void *owner, const char *text, size_t size);
RETURNS_OWNED char *mem_printf(void *owner, const char *format, ...) NP_PRINTF(2, 3);
RETURNS_OWNED char *mem_vprintf(void *owner, const char *format, va_list args) NP_PRINTF(2, 0);

/* Has `release(thing)` called when owner goes. */
void mem_own(void *owner, void *thing, void (*release)(void *thing));

#endif
