/* nginx_bodies.h - the routes with larger bodies (.body_max), as configuration of nginx
 *
 * client_max_body_size takes no variable, so each path of them is a location of its own.
 */
#ifndef NULLPOOL_HTTP_NGINX_BODIES_H
#define NULLPOOL_HTTP_NGINX_BODIES_H

#include "base/buf.h"
#include "http/route.h"

/* Writes nothing for a path whose bodies have at most REQUEST_BODY_MAX_BYTES. */
void nginx_bodies_write(const struct route_table *table, struct buf *out);

#endif
