/* table_end.h - checks that each list of a table of routes has an end, before it is walked */
#ifndef NULLPOOL_HTTP_TABLE_END_H
#define NULLPOOL_HTTP_TABLE_END_H

#include "base/attributes.h"

/* Returns NULL, or which list has no end: a sentence for the handler's author, which belongs to
 * owner. Always returns NULL if the program's symbols were stripped: sizes are then unknown. */
const char *table_end_fault(void *owner, const struct np_route *routes);

#endif
