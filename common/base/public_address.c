#include "base/public_address.h"

#include <arpa/inet.h>

struct range {
	uint32_t network;
	int bits;
};

/* The first four bytes of an address, in the order of the network. */
static bool
is_in(const struct range *range, uint32_t address)
{
	uint32_t mask = range->bits == 0 ? 0 : UINT32_MAX << (32 - range->bits);

	return (address & mask) == range->network;
}

static bool
is_public_ipv4(uint32_t address)
{
	static const struct range special[] = {
		{ 0x00000000, 8 },  /* 0.0.0.0/8: this network */
		{ 0x0a000000, 8 },  /* 10.0.0.0/8: private */
		{ 0x64400000, 10 }, /* 100.64.0.0/10: shared by a carrier's customers */
		{ 0x7f000000, 8 },  /* 127.0.0.0/8: loopback */
		{ 0xa9fe0000, 16 }, /* 169.254.0.0/16: link local */
		{ 0xac100000, 12 }, /* 172.16.0.0/12: private */
		{ 0xc0000000, 24 }, /* 192.0.0.0/24: protocols */
		{ 0xc0000200, 24 }, /* 192.0.2.0/24: documentation */
		{ 0xc0586300, 24 }, /* 192.88.99.0/24: 6to4 relays */
		{ 0xc0a80000, 16 }, /* 192.168.0.0/16: private */
		{ 0xc6120000, 15 }, /* 198.18.0.0/15: benchmarks */
		{ 0xc6336400, 24 }, /* 198.51.100.0/24: documentation */
		{ 0xcb007100, 24 }, /* 203.0.113.0/24: documentation */
		{ 0xe0000000, 4 },  /* 224.0.0.0/4: multicast */
		{ 0xf0000000, 4 },  /* 240.0.0.0/4: reserved, broadcast */
	};

	for (size_t i = 0; i < COUNT_OF(special); i++)
		if (is_in(&special[i], address))
			return false;
	return true;
}

/* Of IPv6 only 2000::/3 is given out. */
static bool
is_public_ipv6(uint32_t start)
{
	static const struct range unicast = { 0x20000000, 3 };
	static const struct range special[] = {
		{ 0x20010000, 23 }, /* 2001::/23: protocols, Teredo */
		{ 0x20010db8, 32 }, /* 2001:db8::/32: documentation */
		{ 0x20020000, 16 }, /* 2002::/16: 6to4, with an IPv4 address inside */
		{ 0x3fff0000, 20 }, /* 3fff::/20: documentation */
	};

	for (size_t i = 0; i < COUNT_OF(special); i++)
		if (is_in(&special[i], start))
			return false;
	return is_in(&unicast, start);
}

bool
address_is_public(const char *text)
{
	struct in6_addr v6;
	struct in_addr v4;
	uint32_t start;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return is_public_ipv4(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return false;
	memcpy(&start, &v6, sizeof(start));
	return is_public_ipv6(ntohl(start));
}
