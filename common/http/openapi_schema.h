/* openapi_schema.h - parameters and responses as JSON Schema, for openapi.h */
#ifndef NULLPOOL_HTTP_OPENAPI_SCHEMA_H
#define NULLPOOL_HTTP_OPENAPI_SCHEMA_H

#include "base/attributes.h"
#include "base/buf.h"

/* Writes ,"name":"text", or nothing if text is NULL. */
void openapi_text(struct buf *out, const char *name, const char *text);

/* Returns true if the parameter's default and example are texts. Otherwise they are JSON, which the
 * document contains as it is. */
bool openapi_has_texts(const struct np_param *param);

/* Writes the schema of one parameter or member. */
void openapi_schema(struct buf *out, const struct np_param *param);

/* Writes the schema of a body: the object of the NP_IN_BODY parameters. A dot in a name makes an
 * object in it. */
void openapi_body(struct buf *out, const struct np_route *route);

/* Writes the schema of a response: an object of these members, nested in the same way. */
void openapi_members(struct buf *out, const struct np_params *members);

#endif
