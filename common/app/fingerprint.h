/* fingerprint.h - a hash of what makes two requests the same: method, route and arguments
 *
 * json_canonical.h says which spellings of a JSON value are one value. An item of a list, a
 * timestamp and an e-mail address are compared as they are spelled. An argument that is not given
 * is left out, so that a route may get a further parameter while keys live.
 *
 * A body may hold a password, so with SECRET_KEY the hash is keyed: who reads the table cannot try
 * which one it was.
 */
#ifndef NULLPOOL_APP_FINGERPRINT_H
#define NULLPOOL_APP_FINGERPRINT_H

#include "app/ctx.h"

/* The one that a new key is stored under. Belongs to ctx. */
const char *fingerprint_new(struct np_ctx *ctx);

/* Returns true if `stored` is this request's: with SECRET_KEY or SECRET_KEY_PREVIOUS, as of now or
 * as programs up to 0.1.0 made it. */
bool fingerprint_matches(struct np_ctx *ctx, const char *stored);

#endif
