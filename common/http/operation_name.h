/* operation_name.h - what an operation is called in the OpenAPI document, and so in clients made of
 * it */
#ifndef NULLPOOL_HTTP_OPERATION_NAME_H
#define NULLPOOL_HTTP_OPERATION_NAME_H

#include "base/attributes.h"
#include "base/buf.h"

/* The route's own name, or one made of method and path: GET /users (a page) is listUsers, GET
 * /users/{id} getUser, POST /users createUser, GET /users/{id}/quiz-responses
 * listUserQuizResponses. */
void operation_name(const struct np_route *route, struct buf *out);

#endif
