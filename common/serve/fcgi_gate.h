/* fcgi_gate.h - the records of a connection, looked at before libfcgi reads them
 *
 * libfcgi allocates what a length in PARAMS or FCGI_GET_VALUES says, up to 2 GiB, and aborts where
 * it does not get it. Here nothing is decoded: the gate walks from record to record and from length
 * to length, over bytes that were only peeked at.
 *
 * So what it can see is what the kernel keeps of a socket: about 200 KiB, or 70 small writes. A
 * server needs a few of either.
 */
#ifndef NULLPOOL_SERVE_FCGI_GATE_H
#define NULLPOOL_SERVE_FCGI_GATE_H

#include "base/attributes.h"

/* All parameters of a request, with what precedes them: ten times what nginx can send under
 * limits.conf. */
#define FCGI_GATE_MAX_BYTES (192 << 10)

enum fcgi_gate {
	FCGI_GATE_MORE,  /* so far good; the parameters go on */
	FCGI_GATE_SHUT,  /* no request as a server sends it */
	FCGI_GATE_OPEN,  /* the parameters are there; the body goes on */
	FCGI_GATE_WHOLE, /* all of the request is there */
};

/* `bytes` are the first ones of a connection. */
enum fcgi_gate fcgi_gate(const unsigned char *bytes, size_t size);

#endif
