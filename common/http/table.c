#include "http/table.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/json_check.h"
#include "http/openapi_schema.h"
#include "http/operation_name.h"
#include "http/param_check.h"
#include "http/param_row.h"
#include "http/pattern.h"
#include "http/route.h"
#include "http/router.h"

#define OPERATION_MAX_BYTES 200

static bool
is_known_method(const char *method)
{
	for (size_t i = 0; router_methods[i]; i++)
		if (strcmp(router_methods[i], method) == 0)
			return true;
	return false;
}

static const char *
bounds_fault(const struct np_param *param)
{
	if (param->max != 0 && param->min > param->max)
		return "has a min above its max";
	if (param->type != NP_TYPE_INT && param->type != NP_TYPE_STRING
	    && (param->min != 0 || param->max != 0))
		return "has bounds, but only NP_TYPE_INT and NP_TYPE_STRING can have them";
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

static const char *
type_fault(const struct np_param *param)
{
	if (param->type == NP_TYPE_ENUM && (!param->choices || !param->choices[0]))
		return "is an NP_TYPE_ENUM without choices";
	if ((param->type == NP_TYPE_JSON || param->type == NP_TYPE_OBJECT)
	    && (param->in != NP_IN_BODY || param->max_items > 0 || param->default_value))
		return "is JSON, which cannot be outside of a body, in a list, or a default value";
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
	for (const struct np_param *other = route->params; other->name; other++)
		if (param->in == NP_IN_BODY && other->in == NP_IN_BODY
		    && param_is_inside(param->name, other->name))
			return true;
	return false;
}

static const char *
param_fault(void *owner, const struct np_route *route, const struct np_param *param)
{
	const char *fault;

	if (param->in < NP_IN_PATH || param->in > NP_IN_BODY || (int)param->type >= TYPE_COUNT)
		return "has no place or no type";
	if (param->in == NP_IN_PATH && !router_has_name(route->path, param->name))
		return "is not in the path";
	if (param->in == NP_IN_HEADER && strpbrk(param->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
		return "must be in lower case, with dashes";
	if (param->in == NP_IN_BODY && route_has_method(route, "GET"))
		return "is in the body of a GET";
	if (is_inside_another(route, param))
		return "is inside another parameter";
	fault = type_fault(param);
	if (!fault)
		fault = bounds_fault(param);
	if (!fault)
		fault = default_fault(owner, param);
	return fault ? fault : json_fault(param);
}

static bool
is_defined_before(const struct np_route *route, const struct np_param *param)
{
	for (const struct np_param *before = route->params; before < param; before++)
		if (before->in == param->in && strcmp(before->name, param->name) == 0)
			return true;
	return false;
}

static const char *
params_fault(void *owner, const struct np_route *route)
{
	size_t in_path = 0;

	for (const struct np_param *param = route->params; param && param->name; param++) {
		const char *fault = is_defined_before(route, param)
		                        ? "is defined twice"
		                        : param_fault(owner, route, param);

		if (fault)
			return mem_printf(owner, "parameter \"%s\" %s", param->name, fault);
		in_path += param->in == NP_IN_PATH;
	}
	if (in_path != router_count_names(route->path))
		return "its path has a {name} that is not among its parameters";
	return NULL;
}

/* Returns true if param_check() makes one text of each value. Otherwise a row has several keys, and
 * a write would invalidate only one of them. */
static bool
has_one_text(const struct np_param *param)
{
	return param->max_items == 0 && param->type != NP_TYPE_FLOAT && param->type != NP_TYPE_EMAIL
	       && param->type != NP_TYPE_DATETIME && param->type != NP_TYPE_JSON
	       && param->type != NP_TYPE_OBJECT;
}

static const char *
key_fault(const struct np_route *route, const char *key)
{
	while ((key = strchr(key, '{')) != NULL) {
		size_t size = strcspn(++key, "}");
		const struct np_param *param = param_find(route->params, key, size);

		if (key[size] != '}' || !param)
			return "a key refers to an unknown parameter";
		if (!has_one_text(param))
			return "a key refers to a parameter that can be written in several ways";
	}
	return NULL;
}

/* Ignores the names in braces: each route has its own. */
static bool
is_same_key(const char *a, const char *b)
{
	while (*a && *a == *b) {
		if (*a == '{') {
			a += strcspn(a, "}");
			b += strcspn(b, "}");
		} else {
			a++;
			b++;
		}
	}
	return *a == *b;
}

static bool
is_cache_key(const struct np_route *routes, const char *key)
{
	for (const struct np_route *route = routes; route->method; route++)
		if (route->cache && is_same_key(route->cache, key))
			return true;
	return false;
}

static const char *
invalidates_fault(const struct np_route *routes, const struct np_route *route)
{
	size_t count = 0;

	if (route->invalidates && route->tx != NP_TX_WRITE)
		return "it invalidates keys but is not NP_TX_WRITE";
	for (const char *const *key = route->invalidates; key && *key; key++) {
		const char *fault = key_fault(route, *key);

		if (fault)
			return fault;
		if (!is_cache_key(routes, *key))
			return "it invalidates a key that no route of this program caches";
		if (++count > TABLE_INVALIDATES_MAX)
			return "it invalidates too many keys";
	}
	return NULL;
}

/* Returns true if the parameters in the body can be fields of a form. */
static bool
fits_form(const struct np_param *params)
{
	for (; params && params->name; params++)
		if (params->in == NP_IN_BODY
		    && (params->max_items > 0 || params->type == NP_TYPE_JSON
		        || params->type == NP_TYPE_OBJECT || strchr(params->name, '.')))
			return false;
	return params != NULL;
}

static const char *
cache_fault(const struct np_route *route)
{
	if (route->cache && (route->tx != NP_TX_READ || !route_has_method(route, "GET")))
		return "it has a cache key but is not a GET of NP_TX_READ";
	if (route->cache && route->auth != NP_AUTH_NONE)
		return "it has a cache key and .auth: all callers would get the same response";
	return route->cache ? key_fault(route, route->cache) : NULL;
}

/* Generated clients have a function of this name. */
static const char *
operation_fault(void *owner, const struct np_route *routes, const struct np_route *route)
{
	struct buf name, other;

	buf_init(&name, owner, OPERATION_MAX_BYTES);
	operation_name(route, &name);
	for (const char *c = name.data; *c; c++)
		if (!text_is_alnum(*c) && *c != '_')
			return "its operationId has other characters than letters, digits and _";
	if (name.size == 0 || name.overflow)
		return "its operationId is empty or longer than 200 bytes";
	for (const struct np_route *before = routes; before < route; before++) {
		buf_init(&other, owner, OPERATION_MAX_BYTES);
		operation_name(before, &other);
		if (strcmp(name.data, other.data) == 0)
			return mem_printf(
			    owner,
			    "%s %s has the same operationId, %s: give one of them an .operation",
			    before->method, before->path, name.data);
	}
	return NULL;
}

static const char *
members_fault(void *owner, const struct np_route *route)
{
	const struct np_param *members = route->returns ? route->returns->members : NULL;

	for (const struct np_param *member = members; member && member->name; member++)
		for (const struct np_param *other = members; other->name; other++)
			if (other != member
			    && (strcmp(other->name, member->name) == 0
			        || param_is_inside(other->name, member->name)))
				return mem_printf(
				    owner,
				    "member \"%s\" of its schema is defined twice or is an object",
				    member->name);
	for (const struct np_param *member = members; member && member->name; member++)
		if (json_fault(member))
			return mem_printf(owner, "member \"%s\" of its schema %s", member->name,
			                  json_fault(member));
	return NULL;
}

/* nginx sends a request to the program that the first segment of its path names, and to root if
 * there is none. */
static bool
is_served_by(const char *path, const char *name)
{
	size_t size = strlen(name);

	if (strcmp(path, "/") == 0)
		return strcmp(name, "root") == 0;
	return strncmp(path + 1, name, size) == 0 && (!path[1 + size] || path[1 + size] == '/');
}

static const char *
route_fault(void *owner, const char *name, const struct np_route *routes,
            const struct np_route *route)
{
	const char *fault;

	if (!route->path || route->path[0] != '/' || !route->handle)
		return "it needs a path that starts with /, and a handler";
	if (!is_served_by(route->path, name))
		return strcmp(name, "root") == 0
		           ? "nginx sends it to another program: this one gets / and what is below"
		             " /root"
		           : mem_printf(
		               owner,
		               "nginx sends it to another program: this one gets /%s and what is"
		               " below it",
		               name);
	if (!is_known_method(route->method))
		return "its method is not GET, POST, PUT, PATCH or DELETE";
	for (const struct np_route *before = routes; before < route; before++)
		if (strcmp(before->path, route->path) == 0
		    && route_has_method(before, route->method))
			return "it is defined twice";
	if (route->precondition && route_has_method(route, "GET"))
		return "it has a precondition but is a GET";
	if (route->precondition && !route_path_has_get(routes, route->path))
		return "it has a precondition but its path has no GET to compare with";
	if (route->form && !fits_form(route->params))
		return "a form can have only single values, no objects and no lists";
	/* The document has a schema of that name. */
	if (route->returns && strcmp(route->returns->name, "Problem") == 0)
		return "its schema is named Problem, as the schema of errors is";
	fault = operation_fault(owner, routes, route);
	if (!fault)
		fault = params_fault(owner, route);
	if (!fault)
		fault = members_fault(owner, route);
	if (!fault)
		fault = cache_fault(route);
	return fault ? fault : invalidates_fault(routes, route);
}

const char *
table_fault(void *owner, const char *name, const struct np_route *routes)
{
	for (const struct np_route *route = routes; route->method; route++) {
		const char *fault = route_fault(owner, name, routes, route);

		if (fault)
			return mem_printf(owner, "%s %s: %s", route->method,
			                  route->path ? route->path : "?", fault);
	}
	return NULL;
}
