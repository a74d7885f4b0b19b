#include "base/object_size.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct object_sizes {
	uintptr_t base; /* what the kernel added to the file's addresses */
	const ElfW(Sym) * symbols;
	size_t count;
};

static int
take_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1; /* the first one is the program itself */
}

/* Of a file of that many bytes: nothing outside of it is read, whatever its headers say. */
static void
find_symbols(struct object_sizes *sizes, const char *file, size_t size)
{
	const ElfW(Ehdr) *head = (const void *)file;
	const ElfW(Shdr) * sections;

	if (size < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0
	    || head->e_shentsize != sizeof(*sections) || head->e_shoff > size
	    || (size - head->e_shoff) / sizeof(*sections) < head->e_shnum
	    || head->e_shoff % _Alignof(ElfW(Shdr)) != 0)
		return;
	sections = (const void *)(file + head->e_shoff);
	for (size_t i = 0; i < head->e_shnum; i++) {
		const ElfW(Shdr) *section = &sections[i];

		if (section->sh_type != SHT_SYMTAB || section->sh_offset > size
		    || section->sh_size > size - section->sh_offset
		    || section->sh_offset % _Alignof(ElfW(Sym)) != 0)
			continue;
		sizes->symbols = (const void *)(file + section->sh_offset);
		sizes->count = section->sh_size / sizeof(*sizes->symbols);
	}
}

/* The file stays mapped: what is not looked at costs nothing. */
struct object_sizes *
object_sizes_read(void *owner)
{
	struct object_sizes *sizes = mem_new(owner, struct object_sizes);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat about;
	void *file = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &about) == 0 && about.st_size > 0)
		file = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (file == MAP_FAILED)
		return NULL;
	(void)dl_iterate_phdr(take_base, &sizes->base);
	find_symbols(sizes, file, (size_t)about.st_size);
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
