#include "http/request.h"

#include "unit.h"

static const struct network_row {
	const char *about, *address, *network;
} network_rows[] = {
	{ "IPv4", "203.0.113.7", "203.0.113.7" },
	{ "IPv4 in IPv6", "::ffff:203.0.113.7", "203.0.113.7" },
	{ "IPv4 in IPv6, hexadecimal", "::ffff:cb00:7107", "203.0.113.7" },
	{ "IPv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
	{ "another address of the network", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64" },
	{ "in capitals and with zeros", "2001:0DB8:0001:0002::", "2001:db8:1:2::/64" },
	{ "another network", "2001:db8:1:3:3:4:5:6", "2001:db8:1:3::/64" },
	{ "loopback", "::1", "::/64" },
	{ "a socket", "unix:", NULL },
	{ "empty", "", NULL },
	{ "a name", "localhost", NULL },
	{ "a list", "203.0.113.7, 10.0.0.1", NULL },
	{ "with a port", "203.0.113.7:80", NULL },
	{ "with a zone", "fe80::1%eth0", NULL },
};

static void
a_network_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
	for (size_t i = 0; i < COUNT_OF(network_rows); i++) {
		const struct network_row *row = &network_rows[i];

		row_text(row, request_network(*state, row->address), row->network);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_network_is_an_ipv4_address_or_an_ipv6_64),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
