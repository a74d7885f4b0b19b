/* quiz.h - quiz responses, as GET /users/{id}/quiz-responses returns them */
#ifndef QUIZ_H
#define QUIZ_H

#include "nullpool.h"

static const char quiz_page[] =
    "SELECT id, answers, created_at FROM quiz_responses"
    " WHERE user_id = $1 AND deleted_at IS NULL"
    " AND ($3::timestamptz IS NULL OR (created_at, id) > ($3, $4::uuid))"
    " ORDER BY created_at, id LIMIT $2::bigint + 1";

enum { QUIZ_USER, QUIZ_LIMIT, QUIZ_AFTER };
static const struct np_param quiz_fields[] = {
	[QUIZ_USER] = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID },
	[QUIZ_LIMIT] = { NP_PAGE_LIMIT },
	[QUIZ_AFTER] = { NP_PAGE_AFTER },
	NP_PARAMS_END,
};

static const struct np_param quiz_members[] = {
	{ .name = "id", .type = NP_TYPE_UUID },
	{ .name = "answers", .type = NP_TYPE_OBJECT },
	{ .name = "created_at", .type = NP_TYPE_DATETIME },
	NP_PARAMS_END,
};
static const struct np_schema quiz_schema = { "QuizResponse", quiz_members };

#endif
