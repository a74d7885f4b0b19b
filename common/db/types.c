#include "db/types.h"

#define TYPES_MAX 256

static struct {
	struct known_type items[TYPES_MAX];
	size_t count;
} known;

bool
types_are_full(void)
{
	return known.count == TYPES_MAX;
}

const struct known_type *
types_find(uint32_t oid)
{
	for (size_t i = 0; i < known.count; i++)
		if (known.items[i].oid == oid)
			return &known.items[i];
	return NULL;
}

void
types_add(const struct known_type *type)
{
	if (known.count < TYPES_MAX && !types_find(type->oid))
		known.items[known.count++] = *type;
}
