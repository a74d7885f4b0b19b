/* public_address.h - whether an address is one of the public Internet
 *
 * A program that fetches a URL which somebody else chose must not be led to a service of its own
 * network, such as a cloud's metadata (169.254.169.254). The ranges are those of IANA's
 * special-purpose registries (RFC 6890) that are not "Globally Reachable", and what carries IPv4
 * addresses inside IPv6 ones.
 */
#ifndef NULLPOOL_BASE_PUBLIC_ADDRESS_H
#define NULLPOOL_BASE_PUBLIC_ADDRESS_H

#include "base/attributes.h"

/* Returns true for a numeric IPv4 or IPv6 address that is public; false also for what is no
 * address. */
bool address_is_public(const char *text);

#endif
