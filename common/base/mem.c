#include <unistd.h>

#include <talloc.h>

#include "base/exit_code.h"
#include "base/mem.h"

static void *process_owner;
static void (*report_exhausted)(void);

struct owned {
	void *thing;
	void (*release)(void *thing);
};

void
mem_on_exhausted(void (*report)(void))
{
	report_exhausted = report;
}

void
mem_exhausted(void)
{
	if (report_exhausted)
		report_exhausted();
	_exit(EXIT_INTERNAL);
}

/* Returns the block, unless memory is used up. */
static void *
check_block(void *block)
{
	if (!block)
		mem_exhausted();
	return block;
}

void *
mem_process(void)
{
	if (!process_owner)
		process_owner = check_block(talloc_named_const(NULL, 0, "process"));
	return process_owner;
}

void
mem_end(void)
{
	mem_free(process_owner);
	process_owner = NULL;
}

void *
mem_scope(void *owner, const char *name)
{
	return check_block(talloc_named_const(owner, 0, name));
}

void
mem_free(void *block)
{
	if (block)
		(void)talloc_free(block);
}

void *
mem_zeroed(void *owner, size_t size, size_t count, const char *name)
{
	if (size != 0 && count > SIZE_MAX / 2 / size)
		mem_exhausted();
	return memset(check_block(talloc_named_const(owner, size * count, name)), 0, size * count);
}

char *
mem_resize(void *owner, char *block, size_t size)
{
	return check_block(talloc_realloc_size(owner, block, size ? size : 1));
}

char *
mem_strdup(void *owner, const char *text)
{
	return check_block(talloc_strdup(owner, text));
}

char *
mem_strndup(void *owner, const char *text, size_t size)
{
	return check_block(talloc_strndup(owner, text, size));
}

char *
mem_vprintf(void *owner, const char *format, va_list args)
{
	return check_block(talloc_vasprintf(owner, format, args));
}

char *
mem_printf(void *owner, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = mem_vprintf(owner, format, args);
	va_end(args);
	return text;
}

static int
release_owned(struct owned *owned)
{
	owned->release(owned->thing);
	return 0;
}

void
mem_own(void *owner, void *thing, void (*release)(void *))
{
	struct owned *owned = mem_new(owner, struct owned);

	owned->thing = thing;
	owned->release = release;
	talloc_set_destructor(owned, release_owned);
}
