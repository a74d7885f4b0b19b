#include "base/object_size.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct object_sizes {
	uintptr_t base; /* the kernel loaded the program this far above the file's addresses */
	const ElfW(Sym) * symbols;
	size_t count;
};

static int
set_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1; /* stops after the first object, the program itself */
}

/* Reads nothing outside of the file's `size` bytes, whatever its headers say. */
static void
find_symbols(struct object_sizes *sizes, const char *file, size_t size)
{
	const ElfW(Ehdr) *header = (const void *)file;
	const ElfW(Shdr) * sections;

	if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0
	    || header->e_shentsize != sizeof(*sections) || header->e_shoff > size
	    || (size - header->e_shoff) / sizeof(*sections) < header->e_shnum
	    || header->e_shoff % _Alignof(ElfW(Shdr)) != 0)
		return;
	sections = (const void *)(file + header->e_shoff);
	for (size_t i = 0; i < header->e_shnum; i++) {
		const ElfW(Shdr) *section = &sections[i];

		if (section->sh_type != SHT_SYMTAB || section->sh_offset > size
		    || section->sh_size > size - section->sh_offset
		    || section->sh_offset % _Alignof(ElfW(Sym)) != 0)
			continue;
		sizes->symbols = (const void *)(file + section->sh_offset);
		sizes->count = section->sh_size / sizeof(*sizes->symbols);
	}
}

/* The file stays mapped: pages that nobody reads cost nothing. */
struct object_sizes *
object_sizes_read(void *owner)
{
	struct object_sizes *sizes = mem_new(owner, struct object_sizes);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *file = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0)
		file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (file == MAP_FAILED)
		return NULL;
	(void)dl_iterate_phdr(set_base, &sizes->base);
	find_symbols(sizes, file, (size_t)status.st_size);
	return sizes->count > 0 ? sizes : NULL;
}

size_t
object_size_at(const struct object_sizes *sizes, const void *address)
{
	uintptr_t at = (uintptr_t)address - sizes->base;

	for (size_t i = 0; i < sizes->count; i++) {
		const ElfW(Sym) *symbol = &sizes->symbols[i];

		if ((symbol->st_info & 0xf) == STT_OBJECT && symbol->st_value <= at
		    && at - symbol->st_value < symbol->st_size)
			return symbol->st_size - (at - symbol->st_value);
	}
	return 0;
}
