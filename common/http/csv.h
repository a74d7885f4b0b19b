/* csv.h - fields of CSV (RFC 4180), safe to open in a spreadsheet */
#ifndef NULLPOOL_HTTP_CSV_H
#define NULLPOOL_HTTP_CSV_H

#include "base/attributes.h"
#include "base/buf.h"

/* Appends a field; NULL is an empty one. A `number` is written as it is. A text that a spreadsheet
 * would take for a formula gets a ' before it:
 * https://owasp.org/www-community/attacks/CSV_Injection */
void csv_field(struct buf *out, const char *text, bool number);

#endif
