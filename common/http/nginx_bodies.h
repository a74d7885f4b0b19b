/* nginx_bodies.h - a program with larger bodies (.body_max), as configuration of nginx
 *
 * client_max_body_size takes no variable, so such a program has a location of its own. It has the
 * limit of the route with the largest bodies; the program itself knows that of each route.
 */
#ifndef NULLPOOL_HTTP_NGINX_BODIES_H
#define NULLPOOL_HTTP_NGINX_BODIES_H

#include "base/buf.h"
#include "http/route.h"

/* `name` is the program's, `prefix` is that of all paths ("": none). Writes nothing if its bodies
 * have at most REQUEST_BODY_MAX_BYTES. */
void nginx_bodies_write(const char *name, const char *prefix, const struct route_table *table,
                        struct buf *out);

#endif
