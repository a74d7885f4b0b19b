#include "base/public_address.h"
#include "unit.h"

/* The first and the last of each range, and their neighbours outside of it. */
static const struct {
	const char *about;
	bool is_public;
} rows[] = {
	{ "1.0.0.0", true },
	{ "8.8.8.8", true },
	{ "9.255.255.255", true },
	{ "11.0.0.0", true },
	{ "100.63.255.255", true },
	{ "100.128.0.0", true },
	{ "126.255.255.255", true },
	{ "128.0.0.0", true },
	{ "169.253.255.255", true },
	{ "169.255.0.0", true },
	{ "172.15.255.255", true },
	{ "172.32.0.0", true },
	{ "192.0.1.0", true },
	{ "192.0.3.0", true },
	{ "192.167.255.255", true },
	{ "192.169.0.0", true },
	{ "198.17.255.255", true },
	{ "198.20.0.0", true },
	{ "223.255.255.255", true },
	{ "2000::", true },
	{ "2001:200::", true },
	{ "2001:db7:ffff::", true },
	{ "2001:db9::", true },
	{ "2606:4700:4700::1111", true },
	{ "3ffe:ffff::", true },
	{ "3fff:1000::", true },
	{ "0.0.0.0", false },
	{ "0.255.255.255", false },
	{ "10.0.0.0", false },
	{ "10.255.255.255", false },
	{ "100.64.0.0", false },
	{ "100.127.255.255", false },
	{ "127.0.0.0", false },
	{ "127.255.255.255", false },
	{ "169.254.0.0", false },
	{ "169.254.169.254", false },
	{ "169.254.255.255", false },
	{ "172.16.0.0", false },
	{ "172.31.255.255", false },
	{ "192.0.0.0", false },
	{ "192.0.0.255", false },
	{ "192.0.2.1", false },
	{ "192.88.99.1", false },
	{ "192.168.0.0", false },
	{ "192.168.255.255", false },
	{ "198.18.0.0", false },
	{ "198.19.255.255", false },
	{ "198.51.100.1", false },
	{ "203.0.113.1", false },
	{ "224.0.0.0", false },
	{ "239.255.255.255", false },
	{ "240.0.0.0", false },
	{ "255.255.255.255", false },
	{ "::", false },
	{ "::1", false },
	{ "::ffff:8.8.8.8", false },
	{ "::8.8.8.8", false },
	{ "64:ff9b::808:808", false },
	{ "100::1", false },
	{ "1fff:ffff::", false },
	{ "2001::1", false },
	{ "2001:1ff:ffff::", false },
	{ "2001:db8::1", false },
	{ "2002:808:808::", false },
	{ "3fff::1", false },
	{ "3fff:fff:ffff::", false },
	{ "4000::", false },
	{ "fc00::1", false },
	{ "fd00:ec2::254", false },
	{ "fe80::1", false },
	{ "ff02::1", false },
	{ "", false },
	{ "8.8.8", false },
	{ "0x08080808", false },
	{ "example.com", false },
	{ "[2606::1]", false },
};

static void
only_what_is_globally_reachable_is_public(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		row_int(&rows[i], address_is_public(rows[i].about), rows[i].is_public);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_globally_reachable_is_public),
	};

	return cmocka_run_group_tests_name("public_address", tests, NULL, NULL);
}
