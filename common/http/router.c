#include "http/router.h"
#include "base/buf.h"

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

/* One segment of a route's path: [start, start + size), and where the next one starts (NULL: none). */
struct step {
	const char *start;
	size_t size;
	const char *next;
};

static struct step
step_at(const char *path)
{
	struct step step = { .start = path + 1 };

	step.size = strcspn(step.start, "/");
	step.next = step.start[step.size] ? step.start + step.size : NULL;
	return step;
}

static bool
is_name(const struct step *step)
{
	return step->size > 2 && step->start[0] == '{' && step->start[step->size - 1] == '}';
}

static bool
path_fits(const char *path, const struct target *target)
{
	size_t at = 0;

	if (strcmp(path, "/") == 0)
		return target->segment_count == 0;
	for (; path; at++) {
		struct step step = step_at(path);
		const char *segment;

		if (at == target->segment_count)
			return false;
		segment = target->segments[at];
		if (is_name(&step)
		        ? !*segment
		        : strlen(segment) != step.size || strncmp(segment, step.start, step.size) != 0)
			return false;
		path = step.next;
	}
	return at == target->segment_count;
}

static void
write_allow(const struct np_route *routes, const struct target *target, char allow[ROUTER_ALLOW_BYTES])
{
	struct buf out;

	buf_init_fixed(&out, allow, ROUTER_ALLOW_BYTES);
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		for (const struct np_route *route = routes; route->method; route++)
			if (strcmp(route->method, methods[i]) == 0 && path_fits(route->path, target)) {
				buf_printf(&out, "%s%s%s", out.size ? ", " : "", methods[i],
				           i == 0 ? ", HEAD" : "");
				break;
			}
	if (out.size > 0)
		buf_text(&out, ", OPTIONS");
}

bool
router_find(const struct np_route *routes, const char *method, const struct target *target,
            const struct np_route **found, char allow[ROUTER_ALLOW_BYTES], struct error *err)
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	write_allow(routes, target, allow);
	if (!*allow)
		return error_set(err, NP_NOT_FOUND, "There is nothing at this path");
	for (const struct np_route *route = routes; route->method; route++)
		if (strcmp(route->method, method) == 0 && path_fits(route->path, target)) {
			*found = route;
			return true;
		}
	return error_set(err, NP_METHOD, "This path answers to %s", allow);
}

const char *
router_segment(const struct np_route *route, const struct target *target, const char *name)
{
	const char *path = route->path;

	for (size_t at = 0; path && at < target->segment_count; at++) {
		struct step step = step_at(path);

		if (is_name(&step) && strlen(name) == step.size - 2
		    && strncmp(step.start + 1, name, step.size - 2) == 0)
			return target->segments[at];
		path = step.next;
	}
	return NULL;
}

static bool
method_is_known(const char *method)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (strcmp(methods[i], method) == 0)
			return true;
	return false;
}

static bool
has_path_param(const struct np_route *route, const struct step *step)
{
	for (const struct np_param *param = route->params; param && param->name; param++)
		if (param->in == NP_PATH && strlen(param->name) == step->size - 2
		    && strncmp(param->name, step->start + 1, step->size - 2) == 0)
			return true;
	return false;
}

static const char *
path_fault(const struct np_route *route)
{
	size_t names = 0;

	if (route->path[0] != '/')
		return "a route's path does not start with /";
	for (const char *path = route->path; path;) {
		struct step step = step_at(path);

		names += is_name(&step);
		if (is_name(&step) && !has_path_param(route, &step))
			return "a route's path has a {name} that is not among its parameters";
		path = step.next;
	}
	for (const struct np_param *param = route->params; param && param->name; param++)
		names -= param->in == NP_PATH;
	return names == 0 ? NULL : "a route has a path parameter that is not in its path";
}

const char *
router_fault(const struct np_route *routes)
{
	for (const struct np_route *route = routes; route->method; route++) {
		const char *fault = path_fault(route);

		if (fault)
			return fault;
		if (!method_is_known(route->method))
			return "a route's method is not GET, POST, PUT, PATCH or DELETE";
		for (const struct np_param *param = route->params; param && param->name; param++) {
			if (param->in < NP_PATH || param->in > NP_BODY || param->type >= NP_TYPE__MAX)
				return "a parameter has no place or no type";
			if (param->in == NP_BODY && strcmp(route->method, "GET") == 0)
				return "a GET route has a parameter in its body";
		}
	}
	return NULL;
}
