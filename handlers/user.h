/* user.h - what the programs that return a user share */
#ifndef USER_H
#define USER_H

#include "nullpool.h"
#include "user.sql.h"

#define EMAIL_TAKEN .conflict = "A user with this email exists already"
#define NOT_FOUND   .not_found = "User not found"

static const struct np_param id = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID };
static const struct np_param email = { .name = "email",
	                               .in = NP_IN_BODY,
	                               .type = NP_TYPE_EMAIL,
	                               .required = true,
	                               .example = "ada@example.com" };
static const struct np_param name = { .name = "name",
	                              .in = NP_IN_BODY,
	                              .type = NP_TYPE_STRING,
	                              .required = true,
	                              .min = 1,
	                              .max = 200,
	                              .example = "Ada Lovelace" };
static const struct np_param created_at = { .name = "created_at", .type = NP_TYPE_DATETIME };
static const struct np_param updated_at = { .name = "updated_at", .type = NP_TYPE_DATETIME };

static const struct np_schema user_schema = {
	.name = "User", .members = NP_PARAMS(&id, &email, &name, &created_at, &updated_at)
};

#endif
