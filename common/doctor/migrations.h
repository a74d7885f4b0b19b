/* migrations.h - the newest revision of Alembic's migrations, if their folder is on this machine */
#ifndef NULLPOOL_DOCTOR_MIGRATIONS_H
#define NULLPOOL_DOCTOR_MIGRATIONS_H

#include "base/attributes.h"

/* Returns the revision that no other follows, which belongs to owner, of ./migrations/versions or
 * of the folder that make install fills. NULL: there is no such folder. */
const char *migrations_head(void *owner);

#endif
