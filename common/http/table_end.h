/* table_end.h - whether each list of a table of routes ends, before anybody walks along it */
#ifndef NULLPOOL_HTTP_TABLE_END_H
#define NULLPOOL_HTTP_TABLE_END_H

#include "base/attributes.h"

/* NULL, or a sentence for the handler's author; it belongs to owner. Where the program's symbols
 * were stripped nothing is known, and nothing is said. */
const char *table_end_fault(void *owner, const struct np_route *routes);

#endif
