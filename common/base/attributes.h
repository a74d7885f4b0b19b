/* attributes.h - compiler attributes, and macros that every file uses */
#ifndef NULLPOOL_BASE_ATTRIBUTES_H
#define NULLPOOL_BASE_ATTRIBUTES_H

#include "base/banned.h"
#include "nullpool.h"

#define NORETURN        __attribute__((noreturn))
#define RETURNS_OWNED   __attribute__((returns_nonnull, warn_unused_result))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The numbers of members of enums in nullpool.h. */
#define TYPE_COUNT      ((int)NP_TYPE_FILE + 1)
#define ISOLATION_COUNT ((int)NP_ISOLATION_SERIALIZABLE + 1)

#endif
