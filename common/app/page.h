/* page.h - the pages of a list: cursors, and the Link header to the next page
 *
 * A cursor ("next") holds the sort keys of a page's last row, after a seal: a hash of the route's
 * path, of the request's other arguments and of those keys, keyed with SECRET_KEY if there is one.
 * The seal refuses a cursor in another order or filter, where it would be nonsense, and altered
 * keys, which would reach the database as values that its columns do not take. The page size
 * (`limit`) is not part of the seal: it may change from page to page.
 */
#ifndef NULLPOOL_APP_PAGE_H
#define NULLPOOL_APP_PAGE_H

#include "app/ctx.h"

/* Fails with FAILURE_INVALID if the request has a cursor of another list, or an altered one. */
NP_MUST_CHECK bool page_check(struct np_ctx *ctx);

#endif
