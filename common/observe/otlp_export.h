/* otlp_export.h - the process that takes the spans of an endpoint's workers to OpenTelemetry's
 * collector
 *
 * One for each endpoint, a child of its master. Workers give it the spans of a request in one
 * message and never wait: what it cannot take is dropped there, and counted. It posts what has come
 * together as OTLP/HTTP JSON (https://opentelemetry.io/docs/specs/otlp/), one POST at a time, and
 * tries again what may succeed later.
 */
#ifndef NULLPOOL_OBSERVE_OTLP_EXPORT_H
#define NULLPOOL_OBSERVE_OTLP_EXPORT_H

#include "config/settings.h"

/* fd: the reading end of a SOCK_SEQPACKET pair. Ends when all writing ends are closed and what had
 * come is sent, or was tried for a while; after SIGTERM (blocked by the caller, as the rest) it
 * waits for that no longer than a request may take. Returns the exit code: EXIT_DONE, or
 * EXIT_UNAVAILABLE (logged) if no other process could do this work either. */
int otlp_export_run(const struct settings *settings, int fd);

#endif
