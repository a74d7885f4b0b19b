/* trace.h - the trace that a request is part of: traceparent of W3C Trace Context
 * (https://www.w3.org/TR/trace-context/) */
#ifndef NULLPOOL_HTTP_TRACE_H
#define NULLPOOL_HTTP_TRACE_H

#include "base/attributes.h"

#define TRACE_ID_BYTES     33
#define TRACE_SPAN_BYTES   17
#define TRACE_HEADER_BYTES 56

struct trace {
	char id[TRACE_ID_BYTES];       /* "": no trace */
	char parent[TRACE_SPAN_BYTES]; /* the caller's span; "" if the trace begins here */
	char span[TRACE_SPAN_BYTES];   /* ours */
	char flags[3];                 /* "01": sampled; "00": not */
};

/* Continues the trace of a traceparent header with a span of our own. NULL or an invalid header
 * makes no trace, as the specification demands. An all-zero ID is invalid. */
void trace_read(const char *header, struct trace *trace);

/* Begins a sampled trace, whose first span is ours. */
void trace_begin(struct trace *trace);

/* Decides with this probability (0 to 1) whether the trace is sampled. The decision depends only on
 * the trace's ID, so that all services that decide in this way agree. */
void trace_sample(struct trace *trace, double probability);

bool trace_is_sampled(const struct trace *trace);

/* Writes the traceparent header of the response and of requests to other services. */
void trace_write(const struct trace *trace, char header[TRACE_HEADER_BYTES]);

#endif
