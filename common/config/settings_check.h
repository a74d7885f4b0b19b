/* settings_check.h - the rules between settings, and the values that are derived from their texts
 *
 * settings_read() calls settings_check() last. Each function appends a line "NAME: what is wrong"
 * to faults for a value that cannot be used, and to warnings for one that is ignored. What they
 * derive is in struct settings and belongs to owner.
 */
#ifndef NULLPOOL_CONFIG_SETTINGS_CHECK_H
#define NULLPOOL_CONFIG_SETTINGS_CHECK_H

#include "config/settings.h"

/* Checks everything, and calls the two below. */
void settings_check(void *owner, struct settings *settings, struct buf *faults,
                    struct buf *warnings);

/* Rewrites CORS_ORIGINS as browsers send origins: lower case, without a default port (origins.c).
 */
void settings_check_origins(void *owner, struct settings *settings, struct buf *faults);

/* Checks the OTEL_… variables by the OpenTelemetry specification (otel_settings.c). A value that
 * the specification says to ignore is a warning. */
void settings_check_otel(void *owner, struct settings *settings, struct buf *faults,
                         struct buf *warnings);

#endif
