#include "http/problem.h"

static void
write_member(struct buf *out, const char *name, const char *value)
{
	buf_char(out, ',');
	buf_json_text(out, name);
	buf_char(out, ':');
	buf_json_text(out, value);
}

static void
write_faults(struct buf *out, const struct param_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct np_fault *fault = &faults->items[i];

		buf_text(out, i ? ",{\"in\":" : ",\"errors\":[{\"in\":");
		buf_json_text(out, fault->in);
		write_member(out, "name", fault->name);
		write_member(out, "message", fault->message);
		buf_char(out, '}');
	}
	if (faults->count > 0)
		buf_char(out, ']');
}

void
problem_write(struct reply *reply, const struct problem *problem)
{
	struct buf *out = &reply->body;

	reply_reset(reply);
	reply->status = problem->status;
	reply->content_type = "application/problem+json";
	buf_text(out, "{\"type\":\"about:blank\"");
	write_member(out, "title", reply_reason(problem->status));
	buf_printf(out, ",\"status\":%d", problem->status);
	if (problem->detail)
		write_member(out, "detail", problem->detail);
	write_member(out, "request_id", problem->request_id);
	if (problem->outcome_unknown)
		write_member(out, "outcome", "unknown");
	if (problem->faults)
		write_faults(out, problem->faults);
	buf_char(out, '}');
}
