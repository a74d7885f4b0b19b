/* quiz.h - quiz responses, as GET /users/{id}/quiz-responses returns them */
#ifndef QUIZ_H
#define QUIZ_H

#include "quiz.sql.h"
#include "user.h"

static const struct np_param answers = { .name = "answers", .type = NP_TYPE_OBJECT };

static const struct np_schema quiz_schema = { .name = "QuizResponse",
	                                      .members = NP_PARAMS(&id, &answers, &created_at) };

#endif
