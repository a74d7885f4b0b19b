/* systemd.h - messages to systemd (sd_notify(3)); without NOTIFY_SOCKET nothing is sent
 *
 * The protocol is a line in a datagram. libsystemd would be one more library in every worker.
 */
#ifndef NULLPOOL_SERVE_SYSTEMD_H
#define NULLPOOL_SERVE_SYSTEMD_H

#include "base/attributes.h"

void systemd_notify(const char *format, ...) NP_PRINTF(1, 2);

/* Returns half of WATCHDOG_USEC in milliseconds, or 0 if systemd does not wait for WATCHDOG=1. */
int64_t systemd_watchdog_ms(void);

#endif
