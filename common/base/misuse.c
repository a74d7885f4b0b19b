#include "base/misuse.h"

#include <stdarg.h>

static char noted[256];

void
misuse_note(const char *format, ...)
{
	va_list args;

	if (noted[0])
		return;
	va_start(args, format);
	(void)vsnprintf(noted, sizeof(noted), format, args);
	va_end(args);
}

const char *
misuse_noted(void)
{
	return noted[0] ? noted : NULL;
}

void
misuse_reset(void)
{
	noted[0] = '\0';
}
