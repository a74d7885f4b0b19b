#include "serve/memory_release.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/attributes.h"

#define LINE_MAX_BYTES 512
/* The next ordinary request needs this much again. */
#define SPARE_MAX_BYTES (256 << 10)

/* A mapping in /proc/PID/smaps (proc(5)). */
struct mapping {
	uintptr_t start, end;
	bool of_file; /* a private, read-only mapping of a file */
};

/* Reads "7f0123456000-7f0123478000 r--p 00001000 fe:01 1234   /usr/lib/…". Returns false if the
 * line is not the first one of a mapping. */
static bool
read_mapping(const char *line, struct mapping *mapping)
{
	char *at;
	uintptr_t start = strtoull(line, &at, 16), end;

	if (at == line || *at != '-')
		return false;
	end = strtoull(at + 1, &at, 16);
	*mapping = (struct mapping){
		start, end, strncmp(at, " r--p ", 6) == 0 || strncmp(at, " r-xp ", 6) == 0
	};
	mapping->of_file = mapping->of_file && strchr(at, '/') != NULL;
	return true;
}

/* "Anonymous" pages differ from the file. Relocated pages do, and their mapping is read-only too.
 */
static bool
is_unchanged(const char *line)
{
	return strncmp(line, "Anonymous:", 10) == 0 && strtoull(line + 10, NULL, 10) == 0;
}

void
release_clean_pages(void)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	struct mapping mapping = { 0 };
	char line[LINE_MAX_BYTES];

	while (maps && fgets(line, sizeof(line), maps))
		if (!read_mapping(line, &mapping) && mapping.of_file && is_unchanged(line))
			/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address that was text */
			(void)madvise((void *)mapping.start, mapping.end - mapping.start,
			              MADV_DONTNEED);
	if (maps)
		(void)fclose(maps);
}

void
release_free_heap(void)
{
	if (mallinfo2().fordblks > SPARE_MAX_BYTES)
		(void)malloc_trim(SPARE_MAX_BYTES / 2);
}
