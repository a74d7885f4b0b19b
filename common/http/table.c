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
#include "http/reply.h"
#include "http/router.h"
#include "http/table_params.h"

#define OPERATION_MAX_BYTES 200

static bool
is_known_method(const char *method)
{
	for (size_t i = 0; router_methods[i]; i++)
		if (strcmp(router_methods[i], method) == 0)
			return true;
	return false;
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
	if (table_has_null(keys))
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
	if (table_list_fault(members))
		return mem_printf(owner, "a member of its schema %s", table_list_fault(members));
	for (size_t i = 0; i < param_count(members); i++) {
		const char *fault = table_member_fault(owner, members, i);

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
	    || route->auth > NP_AUTH_KEY || route->errors.format > NP_ERROR_FORMAT_OAUTH2
	    || route->body > NP_BODY_RAW)
		return "its tx, isolation, auth, body or format of errors is none of its enum";
	if (route->success && !route_is_success(route->success))
		return "its success is none of enum np_status";
	if (route->errors.as && route->errors.format == NP_ERROR_FORMAT_OAUTH2)
		return "its errors have two forms";
	if (route->success && !reply_has_content((int)route->success)
	    && (route->returns || route->produces))
		return "its success has no content, and it has a schema or a media type";
	if ((route->page && route->list)
	    || (route->produces && (route->returns || route->page || route->list)))
		return "it has more than one of .page, .list and .produces, or a schema of what is"
		       " not JSON";
	if (route->produces && !reply_is_media_type(route->produces))
		return "it .produces what is no media type";
	return table_has_null(route->answer.omit) ? "it omits a column that is NULL" : NULL;
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
		fault = table_params_fault(owner, route);
	if (!fault)
		fault = schema_fault(owner, route->returns);
	if (!fault)
		fault = conflicts_fault(owner, route->errors.conflicts);
	if (!fault)
		fault = table_body_fault(route);
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
