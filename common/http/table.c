#include "http/table.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/json.h"
#include "http/openapi_schema.h"
#include "http/operation_name.h"
#include "http/param.h"
#include "http/pattern.h"
#include "http/router.h"

#define OPERATION_MAX_BYTES 200

static bool
method_is_known(const char *method)
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
	if (param->type != NP_INT && param->type != NP_STRING
	    && (param->min != 0 || param->max != 0))
		return "has bounds, which only NP_INT and NP_STRING have";
	return NULL;
}

/* What it may cost follows from its length, and its value's. */
static const char *
pattern_param_fault(const struct np_param *param)
{
	if (param->type != NP_STRING)
		return "has a pattern and is no NP_STRING";
	if (!param_has_max(param))
		return "has a pattern and no max: how long its values may be is not bounded";
	if (param->max > PATTERN_MAX_VALUE)
		return "has a pattern and a max above 10,000";
	return pattern_compile(param->pattern);
}

static const char *
type_fault(const struct np_param *param)
{
	if (param->type == NP_ENUM && (!param->choices || !param->choices[0]))
		return "is an NP_ENUM without choices";
	if ((param->type == NP_JSON || param->type == NP_OBJECT)
	    && (param->in != NP_BODY || param->max_items > 0 || param->default_value))
		return "is JSON with a default value, outside of a body, or a list of them";
	if (param->max_items < 0
	    || (param->max_items > 0 && param->in != NP_BODY && param->in != NP_QUERY))
		return "is a list outside of a body and a query";
	if (param->max_items > 0 && (param->default_value || param->type == NP_CURSOR))
		return "is a list with a default value, or of cursors";
	return param->pattern ? pattern_param_fault(param) : NULL;
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
	           ? "has a default value that breaks its rule"
	           : NULL;
}

/* It would break the OpenAPI document, where it stands as it is. */
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

static bool
is_inside(const char *name, const char *object)
{
	size_t size = strlen(object);

	return strncmp(name, object, size) == 0 && name[size] == '.';
}

/* Its value would hide what is inside. */
static bool
is_in_another(const struct np_route *route, const struct np_param *param)
{
	for (const struct np_param *other = route->params; other->name; other++)
		if (other->in == NP_BODY && param_is_inside(param, other->name))
			return true;
	return false;
}

static const char *
param_fault(void *owner, const struct np_route *route, const struct np_param *param)
{
	const char *fault;

	if (param->in < NP_PATH || param->in > NP_BODY || param->type >= NP_TYPE__MAX)
		return "has no place or no type";
	if (param->in == NP_PATH && !router_has_name(route->path, param->name))
		return "is not in the path";
	if (param->in == NP_HEADER && strpbrk(param->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
		return "must be in lower case, with dashes";
	if (param->in == NP_BODY && strcmp(route->method, "GET") == 0)
		return "is in the body of a GET";
	if (is_in_another(route, param))
		return "is in another one";
	fault = type_fault(param);
	if (!fault)
		fault = bounds_fault(param);
	if (!fault)
		fault = default_fault(owner, param);
	return fault ? fault : json_fault(param);
}

static bool
is_there_before(const struct np_route *route, const struct np_param *param)
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
		const char *fault = is_there_before(route, param)
		                        ? "is there twice"
		                        : param_fault(owner, route, param);

		if (fault)
			return mem_printf(owner, "parameter \"%s\" %s", param->name, fault);
		in_path += param->in == NP_PATH;
	}
	if (in_path != router_count_names(route->path))
		return "its path has a {name} that is not among its parameters";
	return NULL;
}

/* One value is one text, see param_check(): else one row would have several keys, and a write
 * forget one of them. */
static bool
has_one_text(const struct np_param *param)
{
	return param->max_items == 0 && param->type != NP_FLOAT && param->type != NP_EMAIL
	       && param->type != NP_DATETIME && param->type != NP_JSON && param->type != NP_OBJECT;
}

static const char *
key_fault(const struct np_route *route, const char *key)
{
	while ((key = strchr(key, '{')) != NULL) {
		size_t size = strcspn(++key, "}");
		const struct np_param *param = param_find(route->params, key, size);

		if (key[size] != '}' || !param)
			return "a key names what is no parameter of it";
		if (!has_one_text(param))
			return "a key names a parameter in which one value may be written in several ways";
	}
	return NULL;
}

/* But for the names in braces, which each route has its own of. */
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
is_key_of_any(const struct np_route *routes, const char *key)
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
		return "it invalidates keys and is not NP_TX_WRITE";
	for (const char *const *key = route->invalidates; key && *key; key++) {
		const char *fault = key_fault(route, *key);

		if (fault)
			return fault;
		if (!is_key_of_any(routes, *key))
			return "it invalidates a key under which no route of this program keeps an answer";
		if (++count > TABLE_INVALIDATES_MAX)
			return "it invalidates too many keys";
	}
	return NULL;
}

static bool
takes_form(const struct np_param *params)
{
	for (; params && params->name; params++)
		if (params->in == NP_BODY
		    && (params->max_items > 0 || params->type == NP_JSON
		        || params->type == NP_OBJECT || strchr(params->name, '.')))
			return false;
	return params != NULL;
}

static const char *
cache_fault(const struct np_route *route)
{
	if (route->cache && (route->tx != NP_TX_READ || strcmp(route->method, "GET") != 0))
		return "it has a key for its answer and is no GET of NP_TX_READ";
	if (route->cache && route->auth != NP_AUTH_NONE)
		return "its answer would be kept for all callers";
	return route->cache ? key_fault(route, route->cache) : NULL;
}

/* Clients are made of these names: two of one would be one function. */
static const char *
name_fault(void *owner, const struct np_route *routes, const struct np_route *route)
{
	struct buf name, other;

	buf_init(&name, owner, OPERATION_MAX_BYTES);
	operation_name(route, &name);
	for (const char *c = name.data; *c; c++)
		if (!text_is_alnum(*c) && *c != '_')
			return "its operation's name is not of letters, digits and underscores";
	if (name.size == 0 || name.overflow)
		return "its operation has no name, or a longer one than there is room for";
	for (const struct np_route *before = routes; before < route; before++) {
		buf_init(&other, owner, OPERATION_MAX_BYTES);
		operation_name(before, &other);
		if (strcmp(name.data, other.data) == 0)
			return mem_printf(
			    owner,
			    "%s %s has the same name in the OpenAPI document, %s: give one of"
			    " them an .operation",
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
			        || is_inside(other->name, member->name)))
				return mem_printf(
				    owner,
				    "member \"%s\" of its schema is there twice, or is an object too",
				    member->name);
	for (const struct np_param *member = members; member && member->name; member++)
		if (json_fault(member))
			return mem_printf(owner, "member \"%s\" of its schema %s", member->name,
			                  json_fault(member));
	return NULL;
}

/* nginx gives a program the requests whose first segment is the program's name; root gets those
 * without one. */
static bool
is_served_by(const char *path, const char *name)
{
	size_t size = strlen(name);

	if (strcmp(path, "/") == 0)
		return strcmp(name, "root") == 0;
	return strncmp(path + 1, name, size) == 0 && (!path[1 + size] || path[1 + size] == '/');
}

static bool
has_get(const struct np_route *routes, const struct np_route *route)
{
	if (strcmp(route->method, "GET") == 0)
		return false;
	for (; routes->method; routes++)
		if (strcmp(routes->method, "GET") == 0 && strcmp(routes->path, route->path) == 0)
			return true;
	return false;
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
		           ? "nginx sends it to another program: this one gets / and what is below /root"
		           : mem_printf(
		               owner,
		               "nginx sends it to another program: this one gets /%s and what is"
		               " below it",
		               name);
	if (!method_is_known(route->method))
		return "its method is not GET, POST, PUT, PATCH or DELETE";
	for (const struct np_route *before = routes; before < route; before++)
		if (strcmp(before->path, route->path) == 0
		    && strcmp(before->method, route->method) == 0)
			return "it is there twice";
	if (route->precondition && !has_get(routes, route))
		return "it needs a precondition, and is a GET, or its path has none to compare with";
	if (route->form && !takes_form(route->params))
		return "a form has only single values in it, no objects and no lists";
	/* As the document's own schema is named. */
	if (route->returns && strcmp(route->returns->name, "Problem") == 0)
		return "its schema has the name of the one for errors, Problem";
	fault = name_fault(owner, routes, route);
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
