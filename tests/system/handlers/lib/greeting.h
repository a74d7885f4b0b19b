/* What the programs that greet share: a parameter, a schema, and a statement with its reply. */
#ifndef GREETING_H
#define GREETING_H

#include "nullpool.h"

extern const struct np_param greeted_name;
extern const struct np_schema greeting_schema;

bool reply_greeting(struct np_ctx *ctx);

/* Has the name of a function of the library, and does something else. */
bool text_is_digit(char c);

#endif
