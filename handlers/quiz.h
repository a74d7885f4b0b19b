/* quiz.h - quiz responses, as GET /users/{id}/quiz-responses returns them */
#ifndef QUIZ_H
#define QUIZ_H

#include "user.h"

static const char quiz_page[] =
    "SELECT id, answers, created_at FROM quiz_responses"
    " WHERE user_id = $1 AND deleted_at IS NULL"
    " AND ($3::timestamptz IS NULL OR (created_at, id) > ($3, $4::uuid))"
    " ORDER BY created_at, id LIMIT $2::bigint + 1";

static const struct np_param answers = { .name = "answers", .type = NP_TYPE_OBJECT };

static const struct np_schema quiz_schema = { .name = "QuizResponse",
	                                      .members = NP_PARAMS(&id, &answers, &created_at) };

#endif
