#include "http/router.h"

#include "base/buf.h"

const char *const router_methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };

/* One segment of a route's path: [start, start + size), and the slash of the next one or NULL. */
struct segment {
	const char *start;
	size_t size;
	const char *next;
};

static struct segment
segment_at(const char *path)
{
	struct segment segment = { .start = path + 1 };

	segment.size = strcspn(segment.start, "/");
	segment.next = segment.start[segment.size] ? segment.start + segment.size : NULL;
	return segment;
}

static bool
is_name(const struct segment *segment)
{
	return segment->size > 2 && segment->start[0] == '{'
	       && segment->start[segment->size - 1] == '}';
}

static bool
is_named(const struct segment *segment, const char *name)
{
	return is_name(segment) && strlen(name) == segment->size - 2
	       && strncmp(segment->start + 1, name, segment->size - 2) == 0;
}

static bool
path_matches(const char *path, const struct target *target)
{
	size_t at = 0;

	if (strcmp(path, "/") == 0)
		return target->segment_count == 0;
	for (; path; at++) {
		struct segment segment = segment_at(path);
		const char *sent;

		if (at == target->segment_count)
			return false;
		sent = target->segments[at];
		if (is_name(&segment) ? !*sent
		                      : strlen(sent) != segment.size
		                            || strncmp(sent, segment.start, segment.size) != 0)
			return false;
		path = segment.next;
	}
	return at == target->segment_count;
}

static void
write_allow(const struct route_table *table, const struct target *target,
            char allow[ROUTER_ALLOW_BYTES])
{
	struct buf out;

	buf_init_fixed(&out, allow, ROUTER_ALLOW_BYTES);
	for (size_t i = 0; router_methods[i]; i++)
		for (size_t j = 0; j < table->count; j++)
			if (route_has_method(&table->items[j], router_methods[i])
			    && path_matches(table->items[j].path, target)) {
				buf_printf(&out, "%s%s%s", out.size ? ", " : "", router_methods[i],
				           i == 0 ? ", HEAD" : "");
				break;
			}
	if (out.size > 0)
		buf_text(&out, ", OPTIONS");
}

bool
router_find(const struct route_table *table, const char *method, const struct target *target,
            const struct np_route **found, char allow[ROUTER_ALLOW_BYTES], struct error *err)
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	allow[0] = '\0';
	for (size_t i = 0; i < table->count; i++)
		if (route_has_method(&table->items[i], method)
		    && path_matches(table->items[i].path, target)) {
			*found = &table->items[i];
			return true;
		}
	write_allow(table, target, allow);
	if (!*allow)
		return error_set(err, FAILURE_NOT_FOUND, "There is nothing at this path");
	return error_set(err, FAILURE_METHOD, "This path allows %s", allow);
}

const char *
router_segment(const struct np_route *route, const struct target *target, const char *name)
{
	const char *path = route->path;

	for (size_t at = 0; path && at < target->segment_count; at++) {
		struct segment segment = segment_at(path);

		if (is_named(&segment, name))
			return target->segments[at];
		path = segment.next;
	}
	return NULL;
}

size_t
router_count_names(const char *path)
{
	size_t count = 0;

	while (path) {
		struct segment segment = segment_at(path);

		count += is_name(&segment);
		path = segment.next;
	}
	return count;
}

bool
router_has_name(const char *path, const char *name)
{
	while (path) {
		struct segment segment = segment_at(path);

		if (is_named(&segment, name))
			return true;
		path = segment.next;
	}
	return false;
}
