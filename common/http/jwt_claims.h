/* jwt_claims.h - the members of a token's claims or header, by their names and types */
#ifndef NULLPOOL_HTTP_JWT_CLAIMS_H
#define NULLPOOL_HTTP_JWT_CLAIMS_H

#include "base/attributes.h"
#include "http/json.h"

/* Returns a string that is not empty, or NULL. */
const char *jwt_claim_text(const struct json_body *claims, const char *name);

/* Returns true if it is this string. */
bool jwt_claim_is(const struct json_body *claims, const char *name, const char *wanted);

/* Reads a NumericDate (RFC 7519 2), which may have decimals; they are dropped. */
NP_MUST_CHECK bool jwt_claim_time(const struct json_body *claims, const char *name,
                                  int64_t *time_s);

/* Reads the part of a token that is JSON in base64url. Returns its text, which belongs to owner, or
 * NULL if it is no object. */
const char *jwt_read_part(void *owner, const char *part, size_t size, struct json_body *members);

#endif
