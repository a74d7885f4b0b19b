/* page.h - pages of a list: where the next one begins, and of what
 *
 * A cursor holds the sort keys of a page's last row. Before them is a seal: a hash of the route, of
 * the request's other arguments and of those keys, with SECRET_KEY as its key where there is one.
 * The "next" of one order or filter would be nonsense in another, and altered keys would reach the
 * database as values that its columns do not take. How many rows a page has (`limit`) may change
 * between pages.
 */
#ifndef NULLPOOL_APP_PAGE_H
#define NULLPOOL_APP_PAGE_H

#include "app/ctx.h"

/* Fails with NP_INVALID if a cursor is of another list, or was altered. */
NP_MUST_CHECK bool page_check(struct np_ctx *ctx);

#endif
