/* exchange.h - the life of a request, from its bytes to the reply that may be sent
 *
 * exchange_begin() does all the work: decode once, route, check the input, run the handler, commit.
 * Whoever received the request then sends the reply, and calls exchange_end() when it has left: the
 * connection is closed or given back, the log line written, the memory released.
 */
#ifndef NULLPOOL_APP_EXCHANGE_H
#define NULLPOOL_APP_EXCHANGE_H

#include "app/app.h"
#include "base/clock.h"
#include "http/reply.h"
#include "http/request.h"

/* `owner` gets the context; the request is borrowed until exchange_end(). */
RETURNS_OWNED struct np_ctx *exchange_begin(void *owner, struct app *app,
                                            const struct request *request,
                                            struct deadline deadline);

/* The same for a request that could not even be received, because of `err`. */
RETURNS_OWNED struct np_ctx *exchange_refuse(void *owner, struct app *app,
                                             const struct request *request,
                                             const struct error *err);

const struct reply *exchange_reply(const struct np_ctx *ctx);

/* Whether the client left meanwhile: there is nobody to send the reply to. */
bool exchange_is_abandoned(const struct np_ctx *ctx);

void exchange_end(struct np_ctx *ctx);

#endif
