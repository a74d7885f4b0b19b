/* choices.h - the settings whose value is one of a few words
 *
 * Each enum has a list of the words that people write for its members. A list is indexed by the
 * enum and ends with NULL. (The words of log levels and formats are in base/log.h.)
 */
#ifndef NULLPOOL_CONFIG_CHOICES_H
#define NULLPOOL_CONFIG_CHOICES_H

#include "base/attributes.h"

enum environment { ENV_DEVELOPMENT, ENV_TESTING, ENV_PRODUCTION, ENV__MAX };
enum connection_mode { CONNECTION_NULL, CONNECTION_AHEAD, CONNECTION_PERSISTENT, CONNECTION__MAX };

/* What happens when a worker makes a system call that no worker needs: the kernel ends the worker,
 * the call fails, or the call is allowed. */
enum sandbox_mode { SANDBOX_KILL, SANDBOX_ERRNO, SANDBOX_OFF, SANDBOX__MAX };

/* How TLS begins: with an SSLRequest, which costs a round trip, or directly (Postgres 17, Neon). */
enum ssl_negotiation {
	NEGOTIATION_AUTO,
	NEGOTIATION_POSTGRES,
	NEGOTIATION_DIRECT,
	NEGOTIATION__MAX
};

extern const char *const environment_names[ENV__MAX + 1];
extern const char *const connection_names[CONNECTION__MAX + 1];
extern const char *const negotiation_names[NEGOTIATION__MAX + 1];
extern const char *const sandbox_names[SANDBOX__MAX + 1];

/* Read what people write, in any case: a yes or a no (true, 1, yes, on), or the index of one of the
 * choices, which end with NULL. */
NP_MUST_CHECK bool switch_parse(const char *text, bool *value);
NP_MUST_CHECK bool choice_parse(const char *text, const char *const *choices, int64_t *value);

#endif
