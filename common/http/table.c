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

static bool
has_null(const struct np_names *names)
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
	if (param->type != NP_TYPE_ENUM && param->choices)
		return "has choices but is not an NP_TYPE_ENUM";
	return has_null(param->choices) ? "has a choice that is NULL" : NULL;
}

static const char *
type_fault(const struct np_param *param)
{
	const char *fault = choices_fault(param);

	if (fault)
		return fault;
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
	for (size_t i = 0; i < route->params->count; i++) {
		const struct np_param *other = route->params->items[i];

		if (param->in == NP_IN_BODY && other->in == NP_IN_BODY
		    && param_is_inside(param->name, other->name))
			return true;
	}
	return false;
}

static const char *
param_fault(void *owner, const struct np_route *route, const struct np_param *param)
{
	const char *fault;

	if (param->in < NP_IN_PATH || param->in > NP_IN_BODY || !type_is_known(param))
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
static const char *
list_fault(const struct np_params *params)
{
	for (size_t i = 0; i < param_count(params); i++)
		if (!params->items[i] || !params->items[i]->name)
			return "is NULL or has no name";
	return NULL;
}

static const char *
params_fault(void *owner, const struct np_route *route)
{
	size_t in_path = 0;

	if (param_count(route->params) > TABLE_PARAMS_MAX)
		return "it has more than 64 parameters";
	if (list_fault(route->params))
		return mem_printf(owner, "a parameter %s", list_fault(route->params));
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
		size_t index = param_find(route->params, key, size);

		if (key[size] != '}' || index == PARAM_NONE)
			return "a key refers to an unknown parameter";
		if (!has_one_text(route->params->items[index]))
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
is_cache_key(const struct route_table *table, const char *key)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->items[i].cache.key && is_same_key(table->items[i].cache.key, key))
			return true;
	return false;
}

static const char *
invalidates_fault(const struct route_table *table, const struct np_route *route)
{
	const struct np_names *keys = route->cache.invalidates;

	if (keys && route->tx != NP_TX_WRITE)
		return "it invalidates keys but is not NP_TX_WRITE";
	if (keys && keys->count > TABLE_INVALIDATES_MAX)
		return "it invalidates too many keys";
	if (has_null(keys))
		return "it invalidates a key that is NULL";
	for (size_t i = 0; keys && i < keys->count; i++) {
		const char *fault = key_fault(route, keys->items[i]);

		if (fault)
			return fault;
		if (!is_cache_key(table, keys->items[i]))
			return "it invalidates a key that no route of this program caches";
	}
	return NULL;
}

/* Returns true if the parameters in the body can be fields of a form. */
static bool
fits_form(const struct np_params *params)
{
	for (size_t i = 0; i < param_count(params); i++) {
		const struct np_param *param = params->items[i];

		if (param->in == NP_IN_BODY
		    && (param->max_items > 0 || param->type == NP_TYPE_JSON
		        || param->type == NP_TYPE_OBJECT || strchr(param->name, '.')))
			return false;
	}
	return param_count(params) > 0;
}

/* A scope is a word of RFC 6749 3.3. */
static const char *
auth_fault(const struct np_route *route)
{
	if (route->tx == NP_TX_NONE && route->auth == NP_AUTH_KEY)
		return "it is of NP_TX_NONE, and only the database knows an API key";
	if (!route->require)
		return NULL;
	if (route->auth == NP_AUTH_OPTIONAL || (!route->guard && route->auth == NP_AUTH_NONE))
		return "it requires a scope but neither a token nor a key, and has no guard";
	for (const char *c = route->require; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
			return "the scope that it requires has a space, a quote or another"
			       " character that RFC 6749 3.3 does not allow";
	return *route->require ? NULL : "the scope that it requires is empty";
}

static const char *
cache_fault(const struct np_route *route)
{
	if (route->cache.ttl_s < 0)
		return "its time to live is below 0";
	if (route->cache.ttl_s > 0 && !route->cache.key)
		return "it has a time to live but no cache key";
	if (route->cache.key && route->cache.no_store)
		return "it has a cache key and .no_store";
	if (route->cache.key && (route->tx != NP_TX_READ || !route_has_method(route, "GET")))
		return "it has a cache key but is not a GET of NP_TX_READ";
	if (route->cache.key && (route->auth != NP_AUTH_NONE || route->guard))
		return "it has a cache key and .auth or .guard: all callers would get the same"
		       " response";
	return route->cache.key ? key_fault(route, route->cache.key) : NULL;
}

/* Generated clients have a function of this name. */
static const char *
operation_fault(void *owner, const struct route_table *table, const struct np_route *route)
{
	struct buf name, other;

	buf_init(&name, owner, OPERATION_MAX_BYTES);
	operation_name(route, &name);
	for (const char *c = name.data; *c; c++)
		if (!text_is_alnum(*c) && *c != '_')
			return "its operationId has other characters than letters, digits and _";
	if (name.size == 0 || name.overflow)
		return "its operationId is empty or longer than 200 bytes";
	for (const struct np_route *before = table->items; before < route; before++) {
		buf_init(&other, owner, OPERATION_MAX_BYTES);
		operation_name(before, &other);
		if (strcmp(name.data, other.data) == 0)
			return mem_printf(owner,
			                  "%s %s has the same operationId, %s:"
			                  " give one of them a .docs.operation",
			                  before->method, before->path, name.data);
	}
	return NULL;
}

static const char *
conflicts_fault(void *owner, const struct np_conflicts *conflicts)
{
	for (size_t i = 0; conflicts && i < conflicts->count; i++) {
		const struct np_conflict *conflict = &conflicts->items[i];

		if (!conflict->constraint || !conflict->detail)
			return "a conflict needs a constraint and a detail";
		for (size_t j = 0; j < i; j++)
			if (strcmp(conflicts->items[j].constraint, conflict->constraint) == 0)
				return mem_printf(owner, "conflict \"%s\" is listed twice",
				                  conflict->constraint);
	}
	return NULL;
}

static const char *
member_fault(const struct np_params *members, size_t at)
{
	const struct np_param *member = members->items[at];

	for (size_t i = 0; i < members->count; i++) {
		const char *other = members->items[i]->name;

		if (i != at && strcmp(other, member->name) == 0)
			return "is defined twice";
		if (param_is_inside(other, member->name))
			return "is an object that other members are in";
	}
	if (!type_is_known(member))
		return "has no type";
	return choices_fault(member) ? choices_fault(member) : json_fault(member);
}

static const char *
schema_fault(void *owner, const struct np_schema *schema)
{
	const struct np_params *members = schema ? schema->members : NULL;

	if (!schema)
		return NULL;
	if (!schema->name || param_count(members) == 0)
		return "its schema needs a name and members";
	/* The document has a schema of that name. */
	if (strcmp(schema->name, "Problem") == 0)
		return "its schema is named Problem, as the schema of errors is";
	if (list_fault(members))
		return mem_printf(owner, "a member of its schema %s", list_fault(members));
	for (size_t i = 0; i < param_count(members); i++) {
		const char *fault = member_fault(members, i);

		if (fault)
			return mem_printf(owner, "member \"%s\" of its schema %s",
			                  members->items[i]->name, fault);
	}
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
served_fault(void *owner, const char *path, const char *name)
{
	if (is_served_by(path, name))
		return NULL;
	return strcmp(name, "root") == 0
	           ? "nginx sends it to another program: this one gets / and what is below /root"
	           : mem_printf(owner,
	                        "nginx sends it to another program: this one gets /%s and what is"
	                        " below it",
	                        name);
}

/* The compiler warns of a constant of another enum, but takes any number. */
static const char *
constant_fault(const struct np_route *route)
{
	if (route->tx > NP_TX_MANUAL || route->isolation > NP_ISOLATION_SERIALIZABLE
	    || route->auth > NP_AUTH_KEY || route->errors.format > NP_ERROR_FORMAT_OAUTH2)
		return "its tx, isolation, auth or format of errors is none of its enum";
	if (route->success && !route_is_success(route->success))
		return "its success is none of enum np_status";
	return has_null(route->answer.omit) ? "it omits a column that is NULL" : NULL;
}

static const char *
route_fault(void *owner, const char *name, const struct route_table *table,
            const struct np_route *route)
{
	const char *fault;

	if (!route->method || !is_known_method(route->method))
		return "its method is not GET, POST, PUT, PATCH or DELETE";
	if (!route->path || route->path[0] != '/' || !route->handle)
		return "it needs a path that starts with /, and a handler";
	fault = constant_fault(route);
	if (fault)
		return fault;
	fault = served_fault(owner, route->path, name);
	if (fault)
		return fault;
	for (const struct np_route *before = table->items; before < route; before++)
		if (strcmp(before->path, route->path) == 0
		    && route_has_method(before, route->method))
			return "it is defined twice";
	if (route->isolation != NP_ISOLATION_READ_COMMITTED && route->tx == NP_TX_NONE)
		return "it has an isolation level but is NP_TX_NONE";
	if (route->precondition && route_has_method(route, "GET"))
		return "it has a precondition but is a GET";
	if (route->precondition && !route_path_has_get(table, route->path))
		return "it has a precondition but its path has no GET to compare with";
	fault = operation_fault(owner, table, route);
	if (!fault)
		fault = params_fault(owner, route);
	if (!fault)
		fault = schema_fault(owner, route->returns);
	if (!fault)
		fault = conflicts_fault(owner, route->errors.conflicts);
	if (!fault && route->partial && !route_has_param_in(route, NP_IN_BODY))
		fault = "it is .partial but has no parameters in the body";
	if (!fault && route->form && !fits_form(route->params))
		fault = "a form can have only single values, no objects and no lists";
	if (!fault)
		fault = auth_fault(route);
	if (!fault)
		fault = cache_fault(route);
	return fault ? fault : invalidates_fault(table, route);
}

const char *
table_fault(void *owner, const char *name, const struct route_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct np_route *route = &table->items[i];
		const char *fault = route_fault(owner, name, table, route);

		if (fault)
			return mem_printf(owner, "%s %s: %s", route->method ? route->method : "?",
			                  route->path ? route->path : "?", fault);
	}
	return table->count == 0 ? "it has no routes" : NULL;
}
