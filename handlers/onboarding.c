/* onboarding - creates a user and their first quiz response, both or neither */
#include "onboarding.sql.h"

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
	return np_answer(ctx, new_user_with_quiz(np_arg(ctx, &email), np_arg(ctx, &name),
	                                         np_arg(ctx, &answers)));
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
	  .answer = { .location = "/users/{user_id}" },
	  .docs = { .summary = "A new user and their quiz response", .operation = "onboard" },
	  .errors = { .conflict = "A user with this email exists already" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "onboarding", routes);
}
