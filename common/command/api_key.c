#include "command/api_key.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/transaction.h"

static const char new_key[] = "INSERT INTO api_keys (key_hash, name, scopes) VALUES ($1, $2, $3)";

/* Scanners of leaked secrets find a prefix. */
#define KEY_PREFIX "npk_"

static bool
store_key(const struct app *app, const char *hash, const char *name, const char *scopes,
          struct error *err)
{
	const struct np_value values[] = { np_text(hash), np_text(name), np_text(scopes) };
	const struct transaction_options options = {
		.connector = app->connector,
		.mode = NP_TX_WRITE,
		.deadline = deadline_in_ms(app->settings->request_timeout_s * 1000),
		.command_timeout_s = app->settings->database_command_timeout_s,
		.endpoint = app->name,
		.request_id = "new-api-key",
	};
	const struct transaction_statement statement = { new_key,
		                                         { values, COUNT_OF(values) },
		                                         "new_key" };
	struct transaction *tx = transaction_new(mem_process(), &options);
	struct np_rows *rows;
	bool ok = transaction_run(tx, &statement, true, &rows, err);

	transaction_close(tx);
	return ok;
}

bool
api_key_new(const struct app *app, const char *wanted)
{
	size_t size = strcspn(wanted, " ");
	char *name = mem_printf(mem_process(), "%.*s", (int)size, wanted);
	const char *scopes = wanted + size + strspn(wanted + size, " ");
	char *key = mem_printf(mem_process(), KEY_PREFIX "%s", random_token(mem_process()));
	char hash[HASH_TEXT_BYTES];
	struct error err;

	hash_text(key, strlen(key), hash);
	if (!store_key(app, hash, name, scopes, &err)) {
		log_printf(LOG_ERROR, "could not store the key", "%s",
		           err.detail[0] ? err.detail : err.message);
		return false;
	}
	if (puts(key) >= 0 && fflush(stdout) == 0)
		return true;
	log_printf(LOG_ERROR, "could not print the key", "it is stored: delete it from api_keys");
	return false;
}
