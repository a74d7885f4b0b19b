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

static const struct np_param email = { .name = "user.email",
	                               .in = NP_IN_BODY,
	                               .type = NP_TYPE_EMAIL,
	                               .required = true,
	                               .example = "ada@example.com" };
static const struct np_param name = { .name = "user.name",
	                              .in = NP_IN_BODY,
	                              .type = NP_TYPE_STRING,
	                              .required = true,
	                              .min = 1,
	                              .max = 200,
	                              .example = "Ada Lovelace" };
static const struct np_param answers = { .name = "quiz.answers",
	                                 .in = NP_IN_BODY,
	                                 .type = NP_TYPE_OBJECT,
	                                 .required = true,
	                                 .example = "{\"colour\": \"blue\"}" };

static bool
onboard(struct np_ctx *ctx)
{
	struct np_rows *ids;

	return np_query_one(
	           np_last(ctx), &ids, new_user_with_quiz,
	           NP_VALUES(np_arg(ctx, &email), np_arg(ctx, &name), np_arg(ctx, &answers)))
	       && np_header(ctx, "Location", "/users/%s", np_field(ids, 0, "user_id").text)
	       && np_reply_row(ctx, NP_STATUS_CREATED, ids);
}

static const struct np_param user_id = { .name = "user_id", .type = NP_TYPE_UUID };
static const struct np_param quiz_id = { .name = "quiz_id", .type = NP_TYPE_UUID };
static const struct np_schema schema = { .name = "Onboarding",
	                                 .members = NP_PARAMS(&user_id, &quiz_id) };

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/onboarding",
	  .handle = onboard,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&email, &name, &answers),
	  .returns = &schema,
	  .docs = { .summary = "A new user and their quiz response", .operation = "onboard" },
	  .errors = { .conflict = "A user with this email exists already" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "onboarding", routes);
}
