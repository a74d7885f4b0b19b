/* openapi.h - a program's table as an OpenAPI 3.1 document, so that the description cannot differ
 * from the code */
#ifndef NULLPOOL_HTTP_OPENAPI_H
#define NULLPOOL_HTTP_OPENAPI_H

#include "base/attributes.h"
#include "base/buf.h"
#include "http/route.h"

/* `title` is that of the whole API; all operations of this program have the tag `tag`. */
void openapi_write(const char *title, const char *tag, const struct route_table *table,
                   struct buf *out);

#endif
