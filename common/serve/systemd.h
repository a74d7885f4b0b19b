/* systemd.h - what systemd wants to be told (sd_notify(3)); nothing where NOTIFY_SOCKET is not set
 *
 * Ours: the protocol is a line in a datagram, and libsystemd would be a library more in every
 * worker.
 */
#ifndef NULLPOOL_SERVE_SYSTEMD_H
#define NULLPOOL_SERVE_SYSTEMD_H

#include "base/attributes.h"

void systemd_notify(const char *format, ...) NP_PRINTF(1, 2);

/* Half of WATCHDOG_USEC in milliseconds, or 0: nobody waits for WATCHDOG=1. */
int64_t systemd_watchdog_ms(void);

#endif
