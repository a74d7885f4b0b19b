/* otlp_export.h - the process that sends the spans of an endpoint's workers to OpenTelemetry's
 * collector
 *
 * Each endpoint has one, a child of its master. A worker passes the spans of a request as one
 * message and never waits: what this process cannot take is dropped and counted by the worker. This
 * process collects messages into batches and posts them as OTLP/HTTP JSON
 * (https://opentelemetry.io/docs/specs/otlp/), one POST at a time. It repeats a POST that may
 * succeed later.
 */
#ifndef NULLPOOL_OBSERVE_OTLP_EXPORT_H
#define NULLPOOL_OBSERVE_OTLP_EXPORT_H

#include "config/settings.h"

/* fd: the reading end of a SOCK_SEQPACKET pair. Ends when all writing ends are closed and the last
 * spans were sent, or could not be sent within 2 s. After SIGTERM, which the caller has blocked, it
 * waits for the writing ends no longer than a request may take. Returns the exit code: EXIT_DONE,
 * or EXIT_UNAVAILABLE (logged) if no other process could do this work either. */
int otlp_export_run(const struct settings *settings, int fd);

#endif
