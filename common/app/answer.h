/* answer.h - the response that is the row of a route's last statement: np_answer()
 *
 * The commit travels with that statement, so it is done when the row arrives. Whatever could still
 * fail for a reason that lies in the program is checked before the statement is sent.
 */
#ifndef NULLPOOL_APP_ANSWER_H
#define NULLPOOL_APP_ANSWER_H

#include "app/ctx.h"

/* Makes the reply of the row, as the route's `answer` says; also for a repeat (idempotency.h). */
NP_MUST_CHECK bool answer_row(struct np_ctx *ctx, const struct np_rows *row);

#endif
