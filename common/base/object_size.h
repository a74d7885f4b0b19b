/* object_size.h - the size of a variable of this program, from the symbol table of its file */
#ifndef NULLPOOL_BASE_OBJECT_SIZE_H
#define NULLPOOL_BASE_OBJECT_SIZE_H

#include "base/attributes.h"

struct object_sizes;

/* Reads the symbol table of the program's own file. Returns NULL if it has none, because it was
 * stripped, or it cannot be read. */
struct object_sizes *object_sizes_read(void *owner);

/* Returns the bytes from `address` to the end of the variable that contains it, or 0 if no such
 * variable is known. */
size_t object_size_at(const struct object_sizes *sizes, const void *address);

#endif
