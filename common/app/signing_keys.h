/* signing_keys.h - the keys of the issuer whose tokens are accepted beside our own (JWT_JWKS)
 *
 * Each process reads a file for its first token. A URL is read by one process for all workers of a
 * program (serve/key_fetcher.h), or by this process itself if it answers one request and ends. A
 * token with an unknown key makes them be read again, at most once a minute.
 */
#ifndef NULLPOOL_APP_SIGNING_KEYS_H
#define NULLPOOL_APP_SIGNING_KEYS_H

#include "base/clock.h"
#include "base/error.h"
#include "config/settings.h"
#include "http/oidc_token.h"

struct signing_keys;

/* One reading of a key set. */
struct signing_keys_text {
	uint64_t version; /* 0: there is none yet; another text has another version */
	char *text;
	size_t size;
};

/* Where the text comes from. Brings *text up to date, whose memory belongs to owner; leaves it
 * alone if it is. With `renew` it has been read anew since somebody missed a key, or a moment ago.
 * Returns false if that was not possible before the deadline. */
typedef bool signing_keys_source(void *owner, const struct settings *settings, bool renew,
                                 struct deadline deadline, struct signing_keys_text *text);

/* Returns keys that belong to owner, or NULL without JWT_JWKS. Reads nothing yet. */
struct signing_keys *signing_keys_new(void *owner, const struct settings *settings);

/* Reads JWT_JWKS, which must be set, and counts the keys that can be used. Fails if there are none.
 */
NP_MUST_CHECK bool signing_keys_try(const struct settings *settings, struct deadline deadline,
                                    size_t *count, struct error *err);

/* Sets the source of the keys of a URL, in place of this process itself. */
void signing_keys_set_source(struct signing_keys *keys, signing_keys_source *source);

/* Returns OIDC_UNKNOWN_KEY if the issuer cannot be asked for its keys now. */
enum oidc_verdict signing_keys_verify(struct signing_keys *keys, const struct oidc_token *token,
                                      struct deadline deadline);

/* Returns the rules of the settings. */
struct oidc_rules signing_keys_rules(const struct settings *settings);

/* Returns true if JWT_JWKS is a URL. */
bool signing_keys_are_remote(const struct settings *settings);

#endif
