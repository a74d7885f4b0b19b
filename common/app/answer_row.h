/* answer_row.h - the response that is a row, as the `answer` of its route says */
#ifndef NULLPOOL_APP_ANSWER_ROW_H
#define NULLPOOL_APP_ANSWER_ROW_H

#include "app/ctx.h"

/* Makes the reply of the row of np_answer(), or of the one that was stored (idempotency.h). */
NP_MUST_CHECK bool answer_row(struct np_ctx *ctx, const struct np_rows *row);

#endif
