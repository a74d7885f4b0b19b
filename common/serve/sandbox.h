/* sandbox.h - what a worker may ask of the kernel: a seccomp filter, made by libseccomp
 *
 * It may do what an answer needs: talk over sockets that it was given or opens itself (unix, IPv4,
 * IPv6), read files, write to what is open, start threads, ask for the time and for memory. It may
 * not start programs or processes, listen, open a file for writing, make memory executable, touch
 * another process, or change who it is. The whole list, with why, is in sandbox_rules.c.
 *
 * The filter is made once, in the master, which is not bound by it: it forks and executes. Each
 * worker takes it on when it has all that it needs for its start. What libraries would load later
 * is loaded before: libgcc in the master (backtrace_prepare()), OpenSSL's modules in the worker
 * (app_prepare()). glibc's NSS modules are not needed: names are c-ares' (base/resolve.h), and the
 * master finds the home directory.
 *
 * What a filter cannot see stays open to a worker that was taken over: it may connect to any unix
 * socket and any address that the user may (systemd's IPAddressDeny= narrows that), pass its
 * descriptors on over them, read any file that the user may, spoil what is shared with it (the
 * scoreboard, flags of the listener, the log where that is a file), and use all the memory and
 * time that it gets.
 */
#ifndef NULLPOOL_SERVE_SANDBOX_H
#define NULLPOOL_SERVE_SANDBOX_H

#include "config/settings.h"
#include "observe/scoreboard.h"

/* Makes the filter. Returns what is in force, for the log: "kill", "errno", "off", or "off, " and
 * why there is none, which is a warning in the log and never a reason not to serve. */
const char *sandbox_prepare(enum sandbox_mode mode);

/* Binds this process, for good, to what sandbox_prepare() made; without that it does nothing.
 * `slot` is the worker's own: what it had in hand is logged when a call is refused. */
void sandbox_enter(const struct slot *slot);

#endif
