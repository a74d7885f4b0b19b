/* user.h - what the programs that return a user share */
#ifndef USER_H
#define USER_H

#include "nullpool.h"

#define USER_COLUMNS "id, email, name, created_at, updated_at"
#define EMAIL_TAKEN  .conflict = "A user with this email exists already"
#define NOT_FOUND    .not_found = "User not found"

#define EMAIL_FIELD \
	.name = "email", .in = NP_IN_BODY, .type = NP_TYPE_EMAIL, .example = "ada@example.com"
#define NAME_FIELD                                                                      \
	.name = "name", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .min = 1, .max = 200, \
	.example = "Ada Lovelace"

static const char user_by_id[] = "SELECT " USER_COLUMNS
                                 " FROM users WHERE id = $1 AND deleted_at IS NULL";

static const struct np_param user_members[] = {
	{ .name = "id", .type = NP_TYPE_UUID },
	{ .name = "email", .type = NP_TYPE_EMAIL, .example = "ada@example.com" },
	{ .name = "name", .type = NP_TYPE_STRING, .example = "Ada Lovelace" },
	{ .name = "created_at", .type = NP_TYPE_DATETIME },
	{ .name = "updated_at", .type = NP_TYPE_DATETIME },
	NP_PARAMS_END,
};
static const struct np_schema user_schema = { "User", user_members };

#endif
