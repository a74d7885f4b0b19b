#include "http/table_params.h"

#include "base/mem.h"
#include "http/cookie.h"
#include "http/json_check.h"
#include "http/openapi_schema.h"
#include "http/param_check.h"
#include "http/param_row.h"
#include "http/pattern.h"
#include "http/request.h"
#include "http/route.h"
#include "http/router.h"
#include "http/table.h"

/* Of objects in objects. Bodies have at most JSON_DEPTH_MAX levels. */
#define TABLE_DEPTH_MAX 8
/* Of one parameter. */
#define FILES_MAX 100

static bool
type_is_known(const struct np_param *param)
{
	return param->type >= NP_TYPE_STRING && (int)param->type < TYPE_COUNT;
}

static const char *
bounds_fault(const struct np_param *param)
{
	if (param->max != 0 && param->min > param->max)
		return "has a min above its max";
	if (param->type != NP_TYPE_INT && param->type != NP_TYPE_STRING
	    && param->type != NP_TYPE_FILE && (param->min != 0 || param->max != 0))
		return "has bounds, but only NP_TYPE_INT, NP_TYPE_STRING and NP_TYPE_FILE can have"
		       " them";
	return NULL;
}

/* The cost of a match depends on the lengths of the pattern and of the value. */
static const char *
value_pattern_fault(const struct np_param *param)
{
	if (param->type != NP_TYPE_STRING)
		return "has a pattern but is not an NP_TYPE_STRING";
	if (!param_has_max(param))
		return "has a pattern and no max, which has to bound the length of its values";
	if (param->max > PATTERN_MAX_VALUE)
		return "has a pattern and a max above 10,000";
	return pattern_compile(param->pattern);
}

bool
table_has_null(const struct np_names *names)
{
	for (size_t i = 0; names && i < names->count; i++)
		if (!names->items[i])
			return true;
	return false;
}

/* Of a parameter or of a member. */
static const char *
choices_fault(const struct np_param *param)
{
	if (param->type == NP_TYPE_ENUM && (!param->choices || param->choices->count == 0))
		return "is an NP_TYPE_ENUM without choices";
	if (param->type != NP_TYPE_ENUM && param->type != NP_TYPE_FILE && param->choices)
		return "has choices but is not an NP_TYPE_ENUM or an NP_TYPE_FILE";
	return table_has_null(param->choices) ? "has a choice that is NULL" : NULL;
}

/* A media type without wildcards, or the part before its slash. */
static bool
is_file_type(const char *type)
{
	for (const char *c = type; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '*' || (*c >= 'A' && *c <= 'Z'))
			return false;
	return *type != '/' && strchr(type, '/');
}

static const char *
file_fault(const struct np_param *param)
{
	if (param->in != NP_IN_BODY)
		return "is a file outside of a body";
	if (param->default_value || param->nullable)
		return "is a file with a default value, or one that may be null";
	if (param->max_items > FILES_MAX)
		return "is a list of more than 100 files";
	for (size_t i = 0; param->choices && i < param->choices->count; i++)
		if (!is_file_type(param->choices->items[i]))
			return "has a choice that is no media type in lower case, such as"
			       " \"image/png\" or \"image/\"";
	return NULL;
}

static const char *
type_fault(const struct np_param *param)
{
	const char *fault = choices_fault(param);

	if (fault)
		return fault;
	if (param->members && param->type != NP_TYPE_OBJECT)
		return "has members but is not an NP_TYPE_OBJECT";
	if ((param->type == NP_TYPE_JSON || param->type == NP_TYPE_OBJECT)
	    && (param->in != NP_IN_BODY || (param->max_items > 0 && !param->members)
	        || param->default_value))
		return "is JSON, which cannot be outside of a body, in a list, or a default value";
	if (param->type == NP_TYPE_FILE)
		return file_fault(param);
	if (param->max_items < 0
	    || (param->max_items > 0 && param->in != NP_IN_BODY && param->in != NP_IN_QUERY))
		return "is a list outside of a body or a query";
	if (param->max_items > 0 && (param->default_value || param->type == NP_TYPE_CURSOR))
		return "is a list with a default value, or a list of cursors";
	return param->pattern ? value_pattern_fault(param) : NULL;
}

static const char *
default_fault(void *owner, const struct np_param *param)
{
	struct argument ignored;

	if (!param->default_value)
		return NULL;
	if (param->required)
		return "is required and has a default value";
	return param_check(owner, param, param->default_value, &ignored)
	           ? "has an invalid default value"
	           : NULL;
}

/* The OpenAPI document contains the text as it is. */
static const char *
json_fault(const struct np_param *param)
{
	struct error ignored;

	if (openapi_has_texts(param))
		return NULL;
	if (param->example && !json_check(param->example, strlen(param->example), &ignored))
		return "has an example that is not JSON";
	if (param->default_value
	    && !json_check(param->default_value, strlen(param->default_value), &ignored))
		return "has a default value that is not JSON";
	return NULL;
}

/* The value of the outer parameter would hide the inner one. */
static bool
is_inside_another(const struct np_route *route, const struct np_param *param)
{
	for (size_t i = 0; i < route->params->count; i++) {
		const struct np_param *other = route->params->items[i];

		if (param->in == NP_IN_BODY && other->in == NP_IN_BODY
		    && param_is_inside(param->name, other->name))
			return true;
	}
	return false;
}

static const char *members_fault(void *owner, const struct np_param *param, int depth);

/* Compares with those before it. */
static const char *
repetition_fault(const struct np_params *params, size_t at)
{
	const struct np_param *param = params->items[at];

	for (size_t i = 0; i < at; i++) {
		const struct np_param *before = params->items[i];

		if (before == param)
			return "is listed twice";
		if (before->in == param->in && strcmp(before->name, param->name) == 0)
			return "has the name and the place of another parameter";
	}
	return NULL;
}

/* Checks what everything else relies on. */
const char *
table_list_fault(const struct np_params *params)
{
	for (size_t i = 0; i < param_count(params); i++)
		if (!params->items[i] || !params->items[i]->name)
			return "is NULL or has no name";
	return NULL;
}

/* Checks what holds for a parameter and for a member of one. */
static const char *
row_fault(void *owner, const struct np_param *param)
{
	const char *fault = type_fault(param);

	if (!fault)
		fault = bounds_fault(param);
	if (!fault)
		fault = default_fault(owner, param);
	return fault ? fault : json_fault(param);
}

static const char *
inner_fault(void *owner, const struct np_params *members, size_t at, int depth)
{
	const struct np_param *param = members->items[at];
	const char *fault = repetition_fault(members, at);

	if (fault)
		return fault;
	if (param->in != NP_IN_BODY || !type_is_known(param))
		return "is not in the body, or has no type";
	if (strchr(param->name, '.'))
		return "has a dot in its name, which a member of an object cannot have";
	if (param->type == NP_TYPE_FILE || param->type == NP_TYPE_CURSOR)
		return "is a file or a cursor in an object";
	fault = row_fault(owner, param);
	return fault ? fault : members_fault(owner, param, depth + 1);
}

/* Recurses as deep as the table does. */
static const char *
members_fault(void *owner, const struct np_param *param, int depth)
{
	const struct np_params *members = param->members;
	const char *fault;

	if (!members)
		return NULL;
	if (depth > TABLE_DEPTH_MAX)
		return "has objects in objects in more than 8 levels";
	if (members->count == 0 || members->count > TABLE_PARAMS_MAX)
		return "has no members, or more than 64";
	if (table_list_fault(members))
		return mem_printf(owner, "has a member that %s", table_list_fault(members));
	for (size_t i = 0; i < members->count; i++) {
		fault = inner_fault(owner, members, i, depth);
		if (fault)
			return mem_printf(owner, "has a member \"%s\" that %s",
			                  members->items[i]->name, fault);
	}
	return NULL;
}

static const char *
param_fault(void *owner, const struct np_route *route, const struct np_param *param)
{
	const char *fault;

	if (param->in < NP_IN_PATH || param->in > NP_IN_COOKIE || !type_is_known(param))
		return "has no place or no type";
	if (param->in == NP_IN_PATH && !router_has_name(route->path, param->name))
		return "is not in the path";
	if (param->in == NP_IN_HEADER && strpbrk(param->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
		return "must be in lower case, with dashes";
	if (param->in == NP_IN_COOKIE && !cookie_is_name(param->name))
		return "is a cookie whose name is no token";
	if (param->in == NP_IN_COOKIE && route->cache.key)
		return "is a cookie, and all clients would get the same cached response";
	if (param->in == NP_IN_BODY && route_has_method(route, "GET"))
		return "is in the body of a GET";
	if (is_inside_another(route, param))
		return "is inside another parameter";
	fault = row_fault(owner, param);
	return fault ? fault : members_fault(owner, param, 1);
}

const char *
table_params_fault(void *owner, const struct np_route *route)
{
	size_t in_path = 0;

	if (param_count(route->params) > TABLE_PARAMS_MAX)
		return "it has more than 64 parameters";
	if (table_list_fault(route->params))
		return mem_printf(owner, "a parameter %s", table_list_fault(route->params));
	for (size_t i = 0; i < param_count(route->params); i++) {
		const struct np_param *param = route->params->items[i];
		const char *fault = repetition_fault(route->params, i);

		if (!fault)
			fault = param_fault(owner, route, param);
		if (fault)
			return mem_printf(owner, "parameter \"%s\" %s", param->name, fault);
		in_path += param->in == NP_IN_PATH;
	}
	if (in_path != router_count_names(route->path))
		return "its path has a {name} that is not among its parameters";
	return NULL;
}

/* --- members of a schema --- */

static const char *member_fault(void *owner, const struct np_params *members, size_t at, int depth);

/* Recurses as deep as the table does, which a schema that contains itself would do without end. */
static const char *
inner_members_fault(void *owner, const struct np_param *member, int depth)
{
	if (!member->members)
		return NULL;
	if (member->type != NP_TYPE_OBJECT)
		return "has members but is not an NP_TYPE_OBJECT";
	if (depth > TABLE_DEPTH_MAX)
		return "has objects in objects in more than 8 levels";
	if (member->members->count == 0 || table_list_fault(member->members))
		return "has no members, or one that is NULL or has no name";
	for (size_t i = 0; i < member->members->count; i++) {
		const char *fault = member_fault(owner, member->members, i, depth + 1);

		if (fault)
			return mem_printf(owner, "has a member \"%s\" that %s",
			                  member->members->items[i]->name, fault);
	}
	return NULL;
}

static const char *
member_fault(void *owner, const struct np_params *members, size_t at, int depth)
{
	const struct np_param *member = members->items[at];
	const char *fault;

	for (size_t i = 0; i < members->count; i++) {
		const char *other = members->items[i]->name;

		if (i != at && strcmp(other, member->name) == 0)
			return "is defined twice";
		if (param_is_inside(other, member->name))
			return "is an object that other members are in";
	}
	if (!type_is_known(member) || member->type == NP_TYPE_FILE)
		return "has no type, or is a file";
	fault = choices_fault(member);
	if (!fault)
		fault = inner_members_fault(owner, member, depth);
	return fault ? fault : json_fault(member);
}

const char *
table_member_fault(void *owner, const struct np_params *members, size_t at)
{
	return member_fault(owner, members, at, 1);
}

/* --- the body --- */

/* Returns true if the parameters in the body can be fields of a form; a file may be one of several.
 */
static bool
has_single_values(const struct np_params *params)
{
	for (size_t i = 0; i < param_count(params); i++) {
		const struct np_param *param = params->items[i];

		if (param->in == NP_IN_BODY
		    && ((param->max_items > 0 && param->type != NP_TYPE_FILE)
		        || param->type == NP_TYPE_JSON || param->type == NP_TYPE_OBJECT
		        || strchr(param->name, '.')))
			return false;
	}
	return param_count(params) > 0;
}

static bool
has_file(const struct np_params *params)
{
	for (size_t i = 0; i < param_count(params); i++)
		if (params->items[i]->type == NP_TYPE_FILE)
			return true;
	return false;
}

/* A body as a whole is not in the table. */
static const char *
whole_body_fault(const struct np_route *route)
{
	if (route_has_method(route, "GET"))
		return "it has a .body but is a GET";
	if (route_has_param_in(route, NP_IN_BODY))
		return "its .body is one value, and it has parameters in the body";
	return NULL;
}

const char *
table_body_fault(const struct np_route *route)
{
	bool members = route_has_param_in(route, NP_IN_BODY);

	if (route->partial && !members)
		return "it is .partial but has no parameters in the body";
	if (route->form && (route->body != NP_BODY_MEMBERS || !has_single_values(route->params)))
		return "a form can have only single values, no objects and no lists";
	if (has_file(route->params) && route->body != NP_BODY_MULTIPART)
		return "it has a file but is not of NP_BODY_MULTIPART";
	if (route->body == NP_BODY_MULTIPART && (!members || !has_single_values(route->params)))
		return "its NP_BODY_MULTIPART needs parameters in the body, of single values or"
		       " files";
	if (route->body_max < 0 || route->body_max > REQUEST_BODY_LIMIT_BYTES)
		return "its body_max is below 0 or above 64 MiB";
	return route->body == NP_BODY_JSON || route->body == NP_BODY_RAW ? whole_body_fault(route)
	                                                                 : NULL;
}
