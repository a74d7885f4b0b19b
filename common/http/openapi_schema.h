/* openapi_schema.h - parameters and answers as JSON Schema, for openapi.h */
#ifndef NULLPOOL_HTTP_OPENAPI_SCHEMA_H
#define NULLPOOL_HTTP_OPENAPI_SCHEMA_H

#include "base/attributes.h"
#include "base/buf.h"

/* ,"name":"text"; nothing for NULL. */
void openapi_text(struct buf *out, const char *name, const char *text);

/* Whether the default and the example of it are texts; else they are JSON, and stand in the
 * document as they are. */
bool openapi_has_texts(const struct np_param *param);

/* Of one value. */
void openapi_schema(struct buf *out, const struct np_param *param);

/* Of a body: the object of the NP_BODY rows, with objects in it where names have dots. */
void openapi_body(struct buf *out, const struct np_route *route);

/* Of an answer: an object of these members, nested in the same way. */
void openapi_members(struct buf *out, const struct np_param *members);

#endif
