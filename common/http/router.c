#include "http/router.h"
#include "base/buf.h"

const char *const router_methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };

/* One segment of a route's path: [start, start + size), and where the next one starts (NULL: none).
 */
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
is_named(const struct step *step, const char *name)
{
	return is_name(step) && strlen(name) == step->size - 2
	       && strncmp(step->start + 1, name, step->size - 2) == 0;
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
		if (is_name(&step) ? !*segment
		                   : strlen(segment) != step.size
		                         || strncmp(segment, step.start, step.size) != 0)
			return false;
		path = step.next;
	}
	return at == target->segment_count;
}

static void
write_allow(const struct np_route *routes, const struct target *target,
            char allow[ROUTER_ALLOW_BYTES])
{
	struct buf out;

	buf_init_fixed(&out, allow, ROUTER_ALLOW_BYTES);
	for (size_t i = 0; router_methods[i]; i++)
		for (const struct np_route *route = routes; route->method; route++)
			if (strcmp(route->method, router_methods[i]) == 0
			    && path_fits(route->path, target)) {
				buf_printf(&out, "%s%s%s", out.size ? ", " : "", router_methods[i],
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
	allow[0] = '\0';
	for (const struct np_route *route = routes; route->method; route++)
		if (strcmp(route->method, method) == 0 && path_fits(route->path, target)) {
			*found = route;
			return true;
		}
	write_allow(routes, target, allow);
	if (!*allow)
		return error_set(err, NP_NOT_FOUND, "There is nothing at this path");
	return error_set(err, NP_METHOD, "This path answers to %s", allow);
}

const char *
router_segment(const struct np_route *route, const struct target *target, const char *name)
{
	const char *path = route->path;

	for (size_t at = 0; path && at < target->segment_count; at++) {
		struct step step = step_at(path);

		if (is_named(&step, name))
			return target->segments[at];
		path = step.next;
	}
	return NULL;
}

size_t
router_count_names(const char *path)
{
	size_t count = 0;

	while (path) {
		struct step step = step_at(path);

		count += is_name(&step);
		path = step.next;
	}
	return count;
}

bool
router_has_name(const char *path, const char *name)
{
	while (path) {
		struct step step = step_at(path);

		if (is_named(&step, name))
			return true;
		path = step.next;
	}
	return false;
}
