/* metrics - the text for Prometheus: each line is well-formed, and each label has its value
 *
 * Input: a byte (the format); then an endpoint's name and a route's method and path, each of which
 * ends with a byte 0xff; then counters of 4 bytes.
 */
#include "observe/metrics.h"

#include "fuzz.h"

#define ROUTES 2
#define SLOTS  2

static struct scoreboard *
new_board(void *owner)
{
	size_t size = sizeof(struct scoreboard) + SLOTS * sizeof(struct slot)
	              + ROUTES * sizeof(struct route_counts);
	struct scoreboard *made = (struct scoreboard *)(void *)mem_array(owner, char, size);

	made->magic = SCOREBOARD_MAGIC;
	made->version = SCOREBOARD_VERSION;
	made->pool_size = 1;
	made->slot_count = SLOTS;
	made->route_count = ROUTES;
	return made;
}

static void
put_name(char *out, size_t room, const char *text)
{
	(void)snprintf(out, room, "%s", text);
}

/* [a-zA-Z_:][a-zA-Z0-9_:]* */
static const char *
skip_name(const char *at)
{
	HOLDS(text_is_alpha(*at) || *at == '_' || *at == ':');
	while (text_is_alnum(*at) || *at == '_' || *at == ':')
		at++;
	return at;
}

/* Returns the unescaped value of a label. *at moves from the opening quote past the closing one. */
static const char *
read_value(void *owner, const char **at)
{
	struct buf out;

	buf_init(&out, owner, 4096);
	HOLDS(**at == '"');
	for (++*at; **at != '"'; ++*at) {
		HOLDS(**at && **at != '\n');
		if (**at != '\\') {
			buf_char(&out, **at);
			continue;
		}
		++*at;
		HOLDS(**at == 'n' || **at == '"' || **at == '\\');
		buf_char(&out, **at == 'n' ? '\n' : **at);
	}
	++*at;
	return out.data;
}

struct wanted {
	const char *endpoint, *method, *path;
	size_t seen;
};

static void
check_label(const char *name, const char *value, struct wanted *wanted)
{
	const char *is = strcmp(name, "endpoint") == 0 ? wanted->endpoint
	                 : strcmp(name, "method") == 0 ? wanted->method
	                 : strcmp(name, "route") == 0  ? wanted->path
	                                               : NULL;

	if (!is)
		return;
	HOLDS(same_text(value, is));
	wanted->seen++;
}

/* name{label="value",…} number */
static void
check_sample(void *owner, const char *line, struct wanted *wanted)
{
	const char *at = skip_name(line);
	double value;

	if (*at == '{') {
		do {
			const char *name = at + 1, *value_text;

			at = skip_name(name);
			HOLDS(*at == '=');
			name = mem_strndup(owner, name, (size_t)(at - name));
			at++;
			value_text = read_value(owner, &at);
			check_label(name, value_text, wanted);
		} while (*at == ',');
		HOLDS(*at == '}');
		at++;
	}
	HOLDS(*at == ' ');
	HOLDS(parse_float(at + 1, &value) && value >= 0);
}

static void
check_text(void *owner, const struct buf *out, bool openmetrics, struct wanted *wanted)
{
	struct input in = { (const uint8_t *)out->data, out->size };
	const char *line = "";

	HOLDS(!out->overflow && out->size > 0 && out->data[out->size - 1] == '\n');
	while (in.left > 0) {
		line = input_text(owner, &in, '\n');
		if (*line != '#')
			check_sample(owner, line, wanted);
		else
			HOLDS(text_starts(line, "# HELP nullpool_")
			      || text_starts(line, "# TYPE nullpool_")
			      || strcmp(line, "# EOF") == 0);
	}
	HOLDS(openmetrics == (strcmp(line, "# EOF") == 0));
}

/* Must find the same place as scoreboard_routes(). */
static struct route_counts *
routes_of(struct scoreboard *of)
{
	return (struct route_counts *)(void *)(of->slots + of->slot_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	bool openmetrics = input_byte(&in) & 1;
	struct scoreboard *made = new_board(owner);
	const struct scoreboard *all[] = { made };
	const struct boards boards = { .all = all, .count = 1 };
	struct route_counts *route = routes_of(made);
	struct wanted wanted;
	struct buf out;

	HOLDS(scoreboard_routes(made) == route);
	put_name(made->name, sizeof(made->name), input_text(owner, &in, '\xff'));
	put_name(route->method, sizeof(route->method), input_text(owner, &in, '\xff'));
	put_name(route->path, sizeof(route->path), input_text(owner, &in, '\xff'));
	atomic_store(&route->by_status[0], 1);
	for (size_t i = 0; in.left >= 4; i++) {
		unsigned long long count = input_byte(&in);

		count = count << 24 | input_byte(&in) << 16 | input_byte(&in) << 8
		        | input_byte(&in);
		atomic_store(&route->by_status[i % SCOREBOARD_STATUSES], count);
		histogram_add(&route->duration, (int64_t)count);
		atomic_store(&made->connect_us[i % CONNECT_PHASE__MAX], count * count);
	}
	wanted = (struct wanted){ made->name, route->method, route->path, 0 };
	buf_init(&out, owner, 1 << 20);
	metrics_write(&out, &boards, openmetrics);
	check_text(owner, &out, openmetrics, &wanted);
	HOLDS(wanted.seen > 50);
	mem_free(owner);
	return 0;
}
