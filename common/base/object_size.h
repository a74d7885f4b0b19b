/* object_size.h - how large a variable of this program is, by the symbols in the program's file */
#ifndef NULLPOOL_BASE_OBJECT_SIZE_H
#define NULLPOOL_BASE_OBJECT_SIZE_H

#include "base/attributes.h"

struct object_sizes;

/* Reads the symbol table of the program's own file. NULL: it has none (strip took it away), or
 * could not be read. */
struct object_sizes *object_sizes_read(void *owner);

/* Returns the bytes from `address` to the end of the variable in which it lies; 0 if none is known.
 */
size_t object_size_at(const struct object_sizes *sizes, const void *address);

#endif
