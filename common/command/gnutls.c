/* gnutls.c - keeps GnuTLS, which comes with libpq's LDAP and is used by nothing here, from
 * initializing itself
 *
 * Its constructor runs self-tests in every program that loads it: 0.6 ms and 0.7 MiB of pages. It
 * calls this function first, which is the documented way to prevent that (GNUTLS_SKIP_GLOBAL_INIT
 * in gnutls/gnutls.h). No object here refers to the function, so the Makefile links and exports it.
 */
#include "base/attributes.h"

int _gnutls_global_init_skip(void);

int
_gnutls_global_init_skip(void)
{
	return 1;
}
