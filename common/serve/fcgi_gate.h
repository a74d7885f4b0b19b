/* fcgi_gate.h - looks at the records of a connection before libfcgi reads them
 *
 * libfcgi allocates what a length in PARAMS or FCGI_GET_VALUES says, up to 2 GiB, and aborts if it
 * does not get it. The gate decodes nothing: it walks from record to record and from length to
 * length, over bytes that were only peeked at.
 *
 * So it can see what the kernel holds for a socket: about 200 KiB, or 70 small writes. A web server
 * needs a few of either.
 */
#ifndef NULLPOOL_SERVE_FCGI_GATE_H
#define NULLPOOL_SERVE_FCGI_GATE_H

#include "base/attributes.h"

/* The limit of all parameters of a request, with what precedes them: ten times what nginx can send
 * under limits.conf. */
#define FCGI_GATE_MAX_BYTES (192 << 10)

enum fcgi_gate {
	FCGI_GATE_MORE,  /* valid so far; the parameters go on */
	FCGI_GATE_SHUT,  /* not a request as a web server sends it */
	FCGI_GATE_OPEN,  /* the parameters are complete; the body goes on */
	FCGI_GATE_WHOLE, /* the request is complete */
};

/* `bytes` are the first ones of a connection. */
enum fcgi_gate fcgi_gate(const unsigned char *bytes, size_t size);

#endif
