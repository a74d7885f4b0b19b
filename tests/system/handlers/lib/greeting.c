#include "greeting.h"

#include "greeting.sql.h"
#include "typed.sql.h" /* of the folder above */

const struct np_param greeted_name = {
	.name = "name",
	.in = NP_IN_QUERY,
	.type = NP_TYPE_STRING,
	.required = true,
	.max = 100,
};

static const struct np_param greeting = { .name = "greeting", .type = NP_TYPE_STRING };
static const struct np_param size = { .name = "size", .type = NP_TYPE_INT };

const struct np_schema greeting_schema = {
	.name = "Greeting",
	.members = NP_PARAMS(&greeting, &size),
};

bool
reply_greeting(struct np_ctx *ctx)
{
	struct np_rows *row, *other;

	return np_queries(ctx, NP_QUERIES({ &row, greeting_of(np_arg(ctx, &greeted_name)) },
	                                  { &other, another_statement() }))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

bool
text_is_digit(char c)
{
	return c == 'x';
}
