/* sandbox.h - what a worker may ask of the kernel: a seccomp filter, made by libseccomp
 *
 * A worker may do what an answer needs: use sockets that it was given or opens itself (unix, IPv4,
 * IPv6), read files, write to what is open, start threads, and ask for the time and for memory. It
 * may not start programs or processes, listen, open a file for writing, make memory executable,
 * touch another process, or change its user. sandbox_rules.c has the whole list, with reasons.
 *
 * The master makes the filter once and is not bound by it: it forks and executes. Each worker
 * enters the sandbox when it has all that its start needs. What libraries would load later is
 * loaded before: libgcc in the master (backtrace_prepare()), OpenSSL's modules in the worker
 * (app_prepare()). glibc's NSS modules are not needed: c-ares resolves names (base/resolve.h), and
 * the master finds the home directory.
 *
 * A filter cannot see everything. A worker that was taken over may still connect to any unix socket
 * and any address that the user may (systemd's IPAddressDeny= narrows that), pass its descriptors
 * on over them, read any file that the user may, spoil what is shared with it (the scoreboard,
 * flags of the listener, the log if that is a file), and use all the memory and time that it gets.
 */
#ifndef NULLPOOL_SERVE_SANDBOX_H
#define NULLPOOL_SERVE_SANDBOX_H

#include "config/settings.h"
#include "observe/scoreboard.h"

/* Makes the filter. Returns what is in force, for the log: "kill", "errno", "off", or "off, " and
 * the reason why there is no filter. That is a warning in the log, and never a reason not to
 * serve. */
const char *sandbox_prepare(enum sandbox_mode mode);

/* Binds this process, for good, to the filter that sandbox_prepare() made; does nothing if there is
 * none. `slot` is the worker's own (NULL: none): its request in hand is logged when a call is
 * refused. */
void sandbox_enter(const struct slot *slot);

#endif
