/* openapi.h - a program's table as an OpenAPI 3.1 document, so that the description cannot differ
 * from the code */
#ifndef NULLPOOL_HTTP_OPENAPI_H
#define NULLPOOL_HTTP_OPENAPI_H

#include "base/attributes.h"
#include "base/buf.h"
#include "http/route.h"

struct openapi_program {
	const char *title;  /* of the whole API */
	const char *prefix; /* of all its paths, such as "/api/v1"; "": none */
	const char *tag;    /* of all operations of this program */
	const struct route_table *routes;
};

void openapi_write(const struct openapi_program *program, struct buf *out);

#endif
