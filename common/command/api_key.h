/* api_key.h - the option --new-api-key: makes a key of NP_AUTH_KEY and prints it, once */
#ifndef NULLPOOL_COMMAND_API_KEY_H
#define NULLPOOL_COMMAND_API_KEY_H

#include "app/app.h"

/* `wanted` is the name of the key, followed by its scopes: words with spaces between them. Prints
 * the key on standard output. Returns false, with a log line, if it was not stored. */
bool api_key_new(const struct app *app, const char *wanted);

#endif
