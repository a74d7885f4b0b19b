/* exchange.h - one request and its response (RFC 9110 calls the pair an exchange)
 *
 * exchange_begin() does all the work: it decodes the input once, routes, checks, runs the handler
 * and commits. The caller sends the reply and then calls exchange_end(), which writes the log line,
 * closes the connection or gives it back, and releases the memory: nobody waits for that.
 */
#ifndef NULLPOOL_APP_EXCHANGE_H
#define NULLPOOL_APP_EXCHANGE_H

#include "app/app.h"
#include "base/clock.h"
#include "http/reply.h"
#include "http/request.h"

/* The context belongs to `owner`; the request is borrowed until exchange_end(). */
RETURNS_OWNED struct np_ctx *exchange_begin(void *owner, struct app *app,
                                            const struct request *request,
                                            struct deadline deadline);

/* The same for a request that could not be received, because of `err`. */
RETURNS_OWNED struct np_ctx *exchange_refuse(void *owner, struct app *app,
                                             const struct request *request,
                                             const struct error *err);

const struct reply *exchange_reply(const struct np_ctx *ctx);

/* Returns true if the reply's body has another part, which exchange_continue() puts in place of the
 * one before. It fails if the rest will not come: then the client has to see a reply that broke
 * off. */
bool exchange_goes_on(const struct np_ctx *ctx);
NP_MUST_CHECK bool exchange_continue(struct np_ctx *ctx);

/* Returns true if the client has left, so that the reply cannot be sent. */
bool exchange_is_abandoned(const struct np_ctx *ctx);

void exchange_end(struct np_ctx *ctx);

#endif
