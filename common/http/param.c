#include "http/param.h"

#include "base/mem.h"
#include "http/decoder.h"
#include "http/param_body.h"
#include "http/param_list.h"
#include "http/param_row.h"
#include "http/router.h"

static void
decode_path_and_headers(struct decoder *decoder, const struct np_route *route,
                        const struct request *request, const struct target *target)
{
	for (const struct np_param *param = decoder->params; param->name; param++) {
		const char *text = NULL;

		if (param->in == NP_IN_PATH)
			text = router_segment(route, target, param->name);
		else if (param->in == NP_IN_HEADER)
			text = request_header(request, param->name);
		if (text)
			decoder_set(decoder, param, text);
	}
}

/* A list may be given value by value. */
static void
decode_query_value(struct decoder *decoder, const struct np_param *param, const char *text)
{
	struct argument *argument = decoder_argument(decoder, param);

	if (param->max_items > 0) {
		const char *message = param_list_add(decoder->owner, param, text, argument);

		if (message)
			decoder_add_fault(decoder, NP_IN_QUERY, param->name, message);
		argument->given = true;
	} else if (argument->given) {
		decoder_add_fault(decoder, NP_IN_QUERY, param->name, "is given twice");
	} else {
		decoder_set(decoder, param, text);
	}
}

static void
decode_query(struct decoder *decoder, const struct target *target)
{
	for (size_t i = 0; i < target->query_count; i++) {
		const struct target_pair *pair = &target->query[i];
		const struct np_param *param = decoder_find(decoder, NP_IN_QUERY, pair->name);

		if (param)
			decode_query_value(decoder, param, pair->value);
		else if (!decoder->lenient)
			decoder_add_fault(decoder, NP_IN_QUERY, pair->name,
			                  "is not a parameter of this path");
	}
}

/* An absent parameter is a fault if it is required, else its default value or SQL's NULL. */
static void
fill_in_absent(struct decoder *decoder)
{
	for (const struct np_param *param = decoder->params; param->name; param++) {
		struct argument *argument = decoder_argument(decoder, param);

		if (argument->given)
			continue;
		argument->value.type = param->type;
		if (param->required)
			decoder_add_fault(decoder, param->in, param->name, "is required");
		else if (param->default_value)
			decoder_set(decoder, param, param->default_value);
		argument->given = false;
	}
}

bool
param_decode(void *owner, const struct np_route *route, const struct request *request,
             const struct target *target, struct argument **arguments, struct param_faults *faults,
             struct error *err)
{
	static const struct np_param none[] = { NP_PARAMS_END };
	struct decoder decoder = { .owner = owner,
		                   .params = route->params ? route->params : none,
		                   .faults = faults,
		                   .lenient = route->lenient };

	decoder.arguments = mem_array(owner, struct argument, param_count(route->params));
	faults->count = 0;
	decode_path_and_headers(&decoder, route, request, target);
	decode_query(&decoder, target);
	if (!param_body_decode(&decoder, route, request, err))
		return false;
	fill_in_absent(&decoder);
	if (faults->count > 0)
		return param_faults_error(faults, err);
	*arguments = decoder.arguments;
	return true;
}
