/* counters.c - linked into all programs of make coverage: _exit() writes the counters too, as exit() does by itself
 *
 * Where they cannot be written (a program out of descriptors, or of another user) libgcov says so on standard error, in the middle of
 * the log: not here. */
#include <gcov.h>
#include <stdlib.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

__attribute__((constructor)) static void
be_quiet(void)
{
	(void)setenv("GCOV_ERROR_FILE", "/dev/null", 1);
}

_Noreturn void
__wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
