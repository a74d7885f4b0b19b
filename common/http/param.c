#include "http/param.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/cookie.h"
#include "http/decoder.h"
#include "http/param_body.h"
#include "http/param_list.h"
#include "http/param_row.h"
#include "http/router.h"

/* Of the names in one message; more are cut off. */
#define NAMES_MAX_BYTES 512

static void
decode_path_and_headers(struct decoder *decoder, const struct np_route *route,
                        const struct request *request, const struct target *target)
{
	for (size_t i = 0; i < param_count(decoder->params); i++) {
		const struct np_param *param = decoder->params->items[i];
		const char *text = NULL;

		if (param->in == NP_IN_PATH)
			text = router_segment(route, target, param->name);
		else if (param->in == NP_IN_HEADER)
			text = request_header(request, param->name);
		else if (param->in == NP_IN_COOKIE)
			text = cookie_find(decoder->owner, request_header(request, "cookie"),
			                   param->name);
		if (text)
			decoder_set(decoder, &decoder->arguments[i], text);
	}
}

/* A list may be given value by value. */
static void
decode_query_value(struct decoder *decoder, struct argument *argument, const char *text)
{
	const struct np_param *param = argument->param;

	if (param->max_items > 0) {
		const char *message = param_list_add(decoder->owner, param, text, argument);

		if (message)
			decoder_add_fault(decoder, NP_IN_QUERY, param->name, message);
		argument->given = true;
	} else if (argument->given) {
		decoder_add_fault(decoder, NP_IN_QUERY, param->name, "is given twice");
	} else {
		decoder_set(decoder, argument, text);
	}
}

static void
decode_query(struct decoder *decoder, const struct target *target)
{
	for (size_t i = 0; i < target->query_count; i++) {
		const struct target_pair *pair = &target->query[i];
		struct argument *argument = decoder_find(decoder, NP_IN_QUERY, pair->name);

		if (argument)
			decode_query_value(decoder, argument, pair->value);
		else if (!decoder->lenient)
			decoder_add_fault(decoder, NP_IN_QUERY, pair->name,
			                  "is not a parameter of this path");
	}
}

/* An absent parameter is a fault if it is required, else its default value or SQL's NULL. */
static void
fill_in_absent(struct decoder *decoder, bool partial)
{
	for (size_t i = 0; i < param_count(decoder->params); i++) {
		const struct np_param *param = decoder->params->items[i];
		struct argument *argument = &decoder->arguments[i];

		if (argument->given)
			continue;
		if (partial && param->in == NP_IN_BODY)
			continue;
		if (param->required)
			decoder_add_fault(decoder, param->in, param->name, "is required");
		else if (param->default_value)
			decoder_set(decoder, argument, param->default_value);
		argument->given = false;
	}
}

static bool
has_argument_in(const struct decoder *decoder, enum np_in place)
{
	for (size_t i = 0; i < param_count(decoder->params); i++)
		if (decoder->arguments[i].given && decoder->arguments[i].param->in == place)
			return true;
	return false;
}

static bool
refuse_empty(const struct decoder *decoder, struct error *err)
{
	const char *before = "";
	struct buf names;

	buf_init(&names, decoder->owner, NAMES_MAX_BYTES);
	for (size_t i = 0; i < param_count(decoder->params); i++) {
		if (decoder->params->items[i]->in != NP_IN_BODY)
			continue;
		buf_printf(&names, "%s%s", before, decoder->params->items[i]->name);
		before = ", ";
	}
	return error_set(err, FAILURE_INVALID, "Nothing to change: send one of %s", names.data);
}

/* Until it is given, an argument is SQL's NULL of its type. */
static struct argument *
new_arguments(void *owner, const struct np_params *params)
{
	struct argument *arguments = mem_array(owner, struct argument, param_count(params));

	for (size_t i = 0; i < param_count(params); i++) {
		const struct np_param *param = params->items[i];

		arguments[i].param = param;
		arguments[i].value.type = param->type;
		/* A list of objects is one jsonb. */
		arguments[i].value.is_list = param->max_items > 0 && !param->members;
	}
	return arguments;
}

bool
param_decode(void *owner, const struct np_route *route, const struct request *request,
             const struct target *target, struct argument **arguments, struct param_faults *faults,
             struct error *err)
{
	struct decoder decoder = { .owner = owner,
		                   .params = route->params,
		                   .arguments = new_arguments(owner, route->params),
		                   .faults = faults,
		                   .lenient = route->lenient };

	faults->count = 0;
	decode_path_and_headers(&decoder, route, request, target);
	decode_query(&decoder, target);
	if (!param_body_decode(&decoder, route, request, err))
		return false;
	fill_in_absent(&decoder, route->partial);
	if (faults->count > 0)
		return param_faults_error(faults, err);
	if (route->partial && !has_argument_in(&decoder, NP_IN_BODY))
		return refuse_empty(&decoder, err);
	*arguments = decoder.arguments;
	return true;
}
