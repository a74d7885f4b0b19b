#include "unit.h"

#include <openssl/conf.h>
#include <unistd.h>

#include "db/tls.h"

static const struct config_row {
	const char *about;
	const char *system;
	const char *kept_section, *kept_name, *kept_value; /* what must still be said */
} config_rows[] = {
	{ "nothing but a default section", "HOME = .\n", "default", "HOME", "." },
	{ "an init section without TLS",
	  "openssl_conf = start\n[start]\nproviders = list\n[list]\n", "start", "providers",
	  "list" },
	{ "TLS without defaults",
	  "openssl_conf = start\n[start]\nssl_conf = tls\n[tls]\nserver = other\n[other]\n", "tls",
	  "server", "other" },
	{ "defaults for TLS",
	  "openssl_conf = start\n[start]\nssl_conf = tls\n[tls]\nsystem_default = all\n[all]\nMinProtocol = TLSv1.3\n",
	  "all", "MinProtocol", "TLSv1.3" },
};

static void
write_file(char path[], const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

/* As OpenSSL reads it: from the default section to the defaults of TLS. */
static const char *
groups_of(const CONF *conf)
{
	const char *init = NCONF_get_string(conf, NULL, "openssl_conf");
	const char *tls = init ? NCONF_get_string(conf, init, "ssl_conf") : NULL;
	const char *defaults = tls ? NCONF_get_string(conf, tls, "system_default") : NULL;

	return defaults ? NCONF_get_string(conf, defaults, "Groups") : NULL;
}

static void
p256_is_first_and_the_systems_configuration_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(config_rows); i++) {
		const struct config_row *row = &config_rows[i];
		char system[] = "/tmp/nullpool-unit-XXXXXX";
		CONF *conf;

		write_file(system, row->system);
		conf = tls_config(system);
		row_true(row, conf != NULL);
		row_true(row, groups_of(conf)
		                  && strstr(groups_of(conf), "P-256:") <= groups_of(conf) + 1);
		row_text(row, NCONF_get_string(conf, row->kept_section, row->kept_name),
		         row->kept_value);
		NCONF_free(conf);
		assert_int_equal(unlink(system), 0);
	}
}

static void
groups_of_the_systems_own_are_left_alone(void **state)
{
	char system[] = "/tmp/nullpool-unit-XXXXXX";

	(void)state;
	write_file(system,
	           "openssl_conf = start\n[start]\nssl_conf = tls\n[tls]\nsystem_default = all\n"
	           "[all]\nGroups = X448\n");
	assert_null(tls_config(system));
	assert_int_equal(unlink(system), 0);
	assert_null(tls_config("/nonexistent"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(p256_is_first_and_the_systems_configuration_stays),
		TEST(groups_of_the_systems_own_are_left_alone),
	};

	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
