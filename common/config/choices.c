#include "config/choices.h"

#include "base/text.h"

const char *const environment_names[ENV__MAX + 1] = {
	[ENV_DEVELOPMENT] = "development",
	[ENV_TESTING] = "testing",
	[ENV_PRODUCTION] = "production",
};

const char *const connection_names[CONNECTION__MAX + 1] = {
	[CONNECTION_NULL] = "null",
	[CONNECTION_AHEAD] = "ahead",
	[CONNECTION_PERSISTENT] = "persistent",
};

const char *const negotiation_names[NEGOTIATION__MAX + 1] = {
	[NEGOTIATION_AUTO] = "auto",
	[NEGOTIATION_POSTGRES] = "postgres",
	[NEGOTIATION_DIRECT] = "direct",
};

const char *const sandbox_names[SANDBOX__MAX + 1] = {
	[SANDBOX_KILL] = "kill",
	[SANDBOX_ERRNO] = "errno",
	[SANDBOX_OFF] = "off",
};

bool
switch_parse(const char *text, bool *value)
{
	static const char *const yes[] = { "true", "1", "yes", "on" };
	static const char *const no[] = { "false", "0", "no", "off" };

	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		*value = text_equal_nocase(text, yes[i]);
		if (*value || text_equal_nocase(text, no[i]))
			return true;
	}
	return false;
}

bool
choice_parse(const char *text, const char *const *choices, int64_t *value)
{
	for (*value = 0; choices[*value]; ++*value)
		if (text_equal_nocase(text, choices[*value]))
			return true;
	return false;
}
