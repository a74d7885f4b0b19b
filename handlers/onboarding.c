/* onboarding - creates a user and their first quiz response, both or neither */
#include "nullpool.h"

/* One statement, so one round trip: the second INSERT uses the id of the first. The id of the
 * response is made here and not returned by its INSERT: only its user may read the row (row-level
 * security, migration 0005), and nobody is signed in. */
static const char new_user_with_quiz[] =
    "WITH new_user AS (INSERT INTO users (email, name) VALUES ($1, $2) RETURNING id AS user_id),"
    " ids AS (SELECT user_id, gen_random_uuid() AS quiz_id FROM new_user),"
    " new_quiz AS (INSERT INTO quiz_responses (id, user_id, answers)"
    " SELECT quiz_id, user_id, $3::jsonb FROM ids)"
    " SELECT user_id, quiz_id FROM ids";

enum { EMAIL, NAME, ANSWERS };
static const struct np_param fields[] = {
	[EMAIL] = { .name = "user.email",
	            .in = NP_IN_BODY,
	            .type = NP_TYPE_EMAIL,
	            .required = true,
	            .example = "ada@example.com" },
	[NAME] = { .name = "user.name",
	           .in = NP_IN_BODY,
	           .type = NP_TYPE_STRING,
	           .required = true,
	           .min = 1,
	           .max = 200,
	           .example = "Ada Lovelace" },
	[ANSWERS] = { .name = "quiz.answers",
	              .in = NP_IN_BODY,
	              .type = NP_TYPE_OBJECT,
	              .required = true,
	              .example = "{\"colour\": \"blue\"}" },
	NP_PARAMS_END,
};

static bool
onboard(struct np_ctx *ctx)
{
	struct np_rows *ids;

	return np_query_one(np_last(ctx), &ids, new_user_with_quiz,
	                    NP_VALUES(np_arg(ctx, EMAIL), np_arg(ctx, NAME), np_arg(ctx, ANSWERS)))
	       && np_header(ctx, "Location", "/users/%s", np_field(ids, 0, "user_id").text)
	       && np_reply_row(ctx, NP_STATUS_CREATED, ids);
}

static const struct np_param members[] = {
	{ .name = "user_id", .type = NP_TYPE_UUID },
	{ .name = "quiz_id", .type = NP_TYPE_UUID },
	NP_PARAMS_END,
};
static const struct np_schema schema = { "Onboarding", members };

static const struct np_route routes[] = {
	{ "POST", "/onboarding", onboard, NP_TX_WRITE, fields,
	  .summary = "A new user and their quiz response",
	  .conflict = "A user with this email exists already", .returns = &schema,
	  .operation = "onboard" },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "onboarding", routes);
}
