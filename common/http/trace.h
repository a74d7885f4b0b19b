/* trace.h - which trace a request is part of: W3C Trace Context, traceparent
 * (https://www.w3.org/TR/trace-context/) */
#ifndef NULLPOOL_HTTP_TRACE_H
#define NULLPOOL_HTTP_TRACE_H

#include "base/attributes.h"

#define TRACE_ID_BYTES     33
#define TRACE_SPAN_BYTES   17
#define TRACE_HEADER_BYTES 56

struct trace {
	char id[TRACE_ID_BYTES];       /* "": it is part of none */
	char parent[TRACE_SPAN_BYTES]; /* the caller's span; "": we began it */
	char span[TRACE_SPAN_BYTES];   /* ours */
	char flags[3];                 /* "01": it is sampled, or "00" */
};

/* header: traceparent's value; NULL or one that is none makes no trace, as the specification has
 * it. */
void trace_read(const char *header, struct trace *trace);

/* A trace of our own, that nobody began before us: ours is its first span. */
void trace_begin(struct trace *trace);

/* Decides whether it is sampled, with this probability (0 to 1). All who decide so about one trace
 * decide alike: its id is what is looked at. */
void trace_sample(struct trace *trace, double probability);

/* Returns true if its spans are wanted. */
bool trace_is_sampled(const struct trace *trace);

/* What is answered, and what somebody that we call would be told. */
void trace_write(const struct trace *trace, char header[TRACE_HEADER_BYTES]);

#endif
