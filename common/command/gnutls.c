/* gnutls.c - GnuTLS comes with libpq's LDAP, which nothing here uses: it shall not set itself up
 *
 * Its constructor runs self-tests in every program that only loads it: 0.6 ms and 0.7 MiB of pages.
 * It asks this function first, the documented way out (GNUTLS_SKIP_GLOBAL_INIT in gnutls/gnutls.h).
 * The Makefile links it in and exports it, since no object here refers to it.
 */
#include "base/attributes.h"

int _gnutls_global_init_skip(void);

int
_gnutls_global_init_skip(void)
{
	return 1;
}
