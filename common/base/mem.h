/* mem.h - one tree of lifetimes, by talloc
 *
 * There are three lifetimes: the process (mem_process()), a request, and a function's own scope.
 * Everything has an owner and is released with it, in reverse order of its creation; mem_own()
 * ties to an owner what another library allocated. No function here returns NULL: when memory is
 * used up, that is reported and the process exits with 70, and the pool replaces it.
 */
#ifndef NULLPOOL_BASE_MEM_H
#define NULLPOOL_BASE_MEM_H

#include <stdarg.h>

#include "base/attributes.h"

/* The owner of what lives as long as the process. mem_end() releases it at exit, so that leaks can
 * be detected. */
void *mem_process(void);
void mem_end(void);

/* Reports that memory is used up and exits; for callers that let another library allocate. */
NORETURN void mem_exhausted(void);

/* Sets what mem_exhausted() calls to report it (log.h does). It must not allocate. */
void mem_on_exhausted(void (*report)(void));

/* A scope of its own below owner; mem_free() releases it. */
RETURNS_OWNED void *mem_scope(void *owner, const char *name);

/* Releases a block and everything it owns. NULL is allowed. */
void mem_free(void *block);

/* Zeroed memory. */
#define mem_new(owner, type)          ((type *)mem_zeroed(owner, sizeof(type), 1, #type))
#define mem_array(owner, type, count) ((type *)mem_zeroed(owner, sizeof(type), count, #type))
RETURNS_OWNED void *mem_zeroed(void *owner, size_t size, size_t count, const char *name);

/* As realloc(); a size of 0 allocates one byte. New bytes are not zeroed. */
RETURNS_OWNED char *mem_resize(void *owner, char *block, size_t size);

RETURNS_OWNED char *mem_strdup(void *owner, const char *text);
RETURNS_OWNED char *mem_strndup(void *owner, const char *text, size_t size);
RETURNS_OWNED char *mem_printf(void *owner, const char *format, ...) NP_PRINTF(2, 3);
RETURNS_OWNED char *mem_vprintf(void *owner, const char *format, va_list args) NP_PRINTF(2, 0);

/* Calls release(thing) when owner is released. */
void mem_own(void *owner, void *thing, void (*release)(void *thing));

#endif
