/* late_modules.h - what glibc loads when it first needs it, which a sandboxed process no longer can */
#ifndef NULLPOOL_SERVE_LATE_MODULES_H
#define NULLPOOL_SERVE_LATE_MODULES_H

/* Loads them now: libgcc, for the end of a thread (getaddrinfo_a() has one) and for a backtrace; and what nsswitch.conf(5)
 * names for hosts and for users (libpq looks for a home directory), where it is not glibc itself that does files and DNS. */
void late_modules_load(void);

#endif
