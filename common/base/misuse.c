#include "base/misuse.h"

#include <stdarg.h>

static char note[256]; /* "": none */

void
misuse_note(const char *format, ...)
{
	va_list args;

	if (note[0])
		return;
	va_start(args, format);
	(void)vsnprintf(note, sizeof(note), format, args);
	va_end(args);
}

const char *
misuse_noted(void)
{
	return note[0] ? note : NULL;
}

void
misuse_reset(void)
{
	note[0] = '\0';
}
