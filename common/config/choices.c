#include "config/choices.h"

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
