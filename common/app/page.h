/* page.h - pages of a list: where the next one begins, and of what
 *
 * A cursor holds the sort keys of a page's last row, and before them a fingerprint of the request's other arguments: "next" of one
 * order or filter would be nonsense in another. How many rows a page has (`limit`) may change between pages.
 */
#ifndef NULLPOOL_APP_PAGE_H
#define NULLPOOL_APP_PAGE_H

#include "app/ctx.h"

/* NP_INVALID with its fault, when a cursor is of another list. */
NP_MUST_CHECK bool page_check(struct np_ctx *ctx);

#endif
