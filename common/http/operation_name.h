/* operation_name.h - the operationId of a route in the OpenAPI document, which generated clients
 * make a function name of */
#ifndef NULLPOOL_HTTP_OPERATION_NAME_H
#define NULLPOOL_HTTP_OPERATION_NAME_H

#include "base/attributes.h"
#include "base/buf.h"

/* Writes the route's .operation, or a name made of its method and path: listUsers for a page at GET
 * /users, getUser for GET /users/{id}, createUser for POST /users, listUserQuizResponses for a page
 * at GET /users/{id}/quiz-responses. */
void operation_name(const struct np_route *route, struct buf *out);

#endif
