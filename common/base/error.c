#include <stdarg.h>

#include "base/error.h"

void
error_fill(struct error *err, enum failure kind, const char *format, ...)
{
	va_list args;

	memset(err, 0, sizeof(*err));
	err->kind = kind;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
}

void
error_fill_detail(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(err->detail, sizeof(err->detail), format, args);
	va_end(args);
}
