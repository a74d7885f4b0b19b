/* migrations.h - which revision of Alembic is the last one, where the folder is at hand */
#ifndef NULLPOOL_DOCTOR_MIGRATIONS_H
#define NULLPOOL_DOCTOR_MIGRATIONS_H

#include "base/attributes.h"

/* Of ./migrations/versions, or of where make install puts them. NULL: neither is there. Belongs to
 * owner. */
const char *migrations_head(void *owner);

#endif
