#include "http/table_end.h"

#include "base/mem.h"
#include "base/object_size.h"

/* Returns how many entries fit into the list's variable; SIZE_MAX if that is unknown. */
static size_t
room_for(const struct object_sizes *sizes, const void *list, size_t entry_bytes)
{
	size_t size = object_size_at(sizes, list);

	return size > 0 ? size / entry_bytes : SIZE_MAX;
}

/* Each kind of list ends with an entry whose first member is NULL. */
_Static_assert(offsetof(struct np_param, name) == 0
                   && offsetof(struct np_conflict, constraint) == 0,
               "list_ends() reads the first member");

static bool
list_ends(const struct object_sizes *sizes, const void *list, size_t entry_bytes)
{
	size_t room = list ? room_for(sizes, list, entry_bytes) : SIZE_MAX;
	const void *first;

	for (size_t i = 0; room != SIZE_MAX; i++) {
		if (i == room)
			return false;
		memcpy(&first, (const char *)list + i * entry_bytes, sizeof(first));
		if (!first)
			break;
	}
	return true;
}

static bool
params_end(const struct object_sizes *sizes, const struct np_param *params)
{
	return list_ends(sizes, params, sizeof(*params));
}

static bool
names_end(const struct object_sizes *sizes, const char *const *names)
{
	return list_ends(sizes, names, sizeof(*names));
}

static bool
choices_end(const struct object_sizes *sizes, const struct np_param *params)
{
	for (; params && params->name; params++)
		if (!names_end(sizes, params->choices))
			return false;
	return true;
}

static const char *
lists_fault(const struct object_sizes *sizes, const struct np_route *route)
{
	if (!params_end(sizes, route->params))
		return "its parameters do not end with NP_PARAMS_END";
	if (!choices_end(sizes, route->params))
		return "a parameter's choices do not end with NULL (NP_CHOICES)";
	if (route->returns && !params_end(sizes, route->returns->members))
		return "the members of what it returns do not end with NP_PARAMS_END";
	if (route->returns && !choices_end(sizes, route->returns->members))
		return "a member's choices do not end with NULL (NP_CHOICES)";
	if (!list_ends(sizes, route->conflicts, sizeof(*route->conflicts)))
		return "its conflicts do not end with NULL (NP_CONFLICTS)";
	if (!names_end(sizes, route->invalidates))
		return "the list `invalidates` does not end with NULL (NP_KEYS)";
	return NULL;
}

const char *
table_end_fault(void *owner, const struct np_route *routes)
{
	struct object_sizes *sizes = object_sizes_read(owner);
	size_t room = sizes ? room_for(sizes, routes, sizeof(*routes)) : 0;

	for (size_t i = 0; sizes; i++) {
		const char *fault;

		if (i == room)
			return "the routes do not end with NP_ROUTES_END";
		if (!routes[i].method)
			break;
		fault = lists_fault(sizes, &routes[i]);
		if (fault)
			return mem_printf(owner, "%s %s: %s", routes[i].method,
			                  routes[i].path ? routes[i].path : "?", fault);
	}
	return NULL;
}
