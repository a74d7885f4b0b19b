#include "unit.h"

#include "observe/otlp_spans.h"

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN_ID  "b7ad6b7169203331"

static const struct trace trace = { .id = TRACE_ID, .span = SPAN_ID, .flags = "01" };
static struct conninfo database;

static struct request_spans
new_request(const struct span *spans, size_t count)
{
	struct error err;

	assert_true(conninfo_parse(mem_process(), "postgresql://u:p@db.example.com:5433/app",
	                           &database, &err));
	return (struct request_spans){ .trace = &trace,
		                       .endpoint = "users",
		                       .request_id = "r1",
		                       .method = "GET",
		                       .route = "/users/{id}",
		                       .status = 200,
		                       .start_us = 1000,
		                       .end_us = 5000,
		                       .database = &database,
		                       .spans = spans,
		                       .count = count };
}

/* Writes the spans and returns them as an array. */
static struct json_object *
written(void *owner, const struct request_spans *request, size_t max_bytes)
{
	struct buf message, array;

	buf_init(&message, owner, max_bytes);
	otlp_spans_write(&message, request);
	buf_init(&array, owner, max_bytes + 2);
	buf_printf(&array, "[%s]", message.data);
	return unit_json(owner, array.data);
}

/* Returns the value of a span's attribute as text, or NULL if it has no such key. */
static const char *
attribute_of(void *owner, struct json_object *spans, int span, const char *key)
{
	for (int i = 0;; i++) {
		const char *found = unit_at(spans,
		                            mem_printf(owner, "/%d/attributes/%d/key", span, i));
		struct json_object *value;

		if (!found)
			return NULL;
		if (strcmp(found, key) != 0)
			continue;
		assert_int_equal(
		    json_pointer_get(spans, mem_printf(owner, "/%d/attributes/%d/value", span, i),
		                     &value),
		    0);
		json_object_object_foreach(value, type, text)
		{
			(void)type;
			return json_object_get_string(text);
		}
	}
}

static void
a_request_is_the_parent_of_its_steps(void **state)
{
	static const struct span spans[] = {
		{ .step = SPAN_CONNECT,
		  .start_us = 2000,
		  .end_us = 3000,
		  .cost = { .round_trips = 4 } },
		{ .step = SPAN_QUERY,
		  .start_us = 3000,
		  .end_us = 4000,
		  .text = " (SELECT \"a\" FROM users)",
		  .name = "user_by_id",
		  .rows = 3 },
		{ .step = SPAN_CACHE, .start_us = 4000, .end_us = 4500, .text = "fill" },
	};
	struct request_spans request = new_request(spans, COUNT_OF(spans));
	struct json_object *root = written(*state, &request, OTLP_SPANS_MAX_BYTES);

	assert_int_equal(json_object_array_length(root), 4);
	assert_string_equal(unit_at(root, "/0/name"), "GET /users/{id}");
	assert_string_equal(unit_at(root, "/0/spanId"), SPAN_ID);
	assert_null(unit_at(root, "/0/parentSpanId"));
	assert_string_equal(unit_at(root, "/1/name"), "connect");
	assert_string_equal(attribute_of(*state, root, 1, "nullpool.connect.trips"), "4");
	assert_string_equal(attribute_of(*state, root, 1, "server.port"), "5433");
	assert_string_equal(unit_at(root, "/2/name"), "SELECT user_by_id");
	assert_string_equal(attribute_of(*state, root, 2, "db.query.text"), spans[1].text);
	assert_string_equal(attribute_of(*state, root, 2, "db.response.returned_rows"), "3");
	assert_string_equal(attribute_of(*state, root, 3, "db.system.name"), "redis");
	for (int i = 1; i < 4; i++) {
		assert_string_equal(unit_at(root, mem_printf(*state, "/%d/traceId", i)), TRACE_ID);
		assert_string_equal(unit_at(root, mem_printf(*state, "/%d/parentSpanId", i)),
		                    SPAN_ID);
	}
}

static void
a_failed_step_has_a_status_and_no_rows(void **state)
{
	static const struct span spans[] = {
		{ .step = SPAN_QUERY,
		  .text = "INSERT INTO users",
		  .failed = true,
		  .sqlstate = "23505" },
	};
	struct request_spans request = new_request(spans, COUNT_OF(spans));
	struct json_object *root;

	request.status = 503;
	request.left_out = 7;
	root = written(*state, &request, OTLP_SPANS_MAX_BYTES);
	assert_string_equal(unit_at(root, "/0/status/code"), "2");
	assert_string_equal(attribute_of(*state, root, 0, "error.type"), "503");
	assert_string_equal(attribute_of(*state, root, 0, "nullpool.spans_left_out"), "7");
	assert_string_equal(unit_at(root, "/1/status/code"), "2");
	assert_string_equal(attribute_of(*state, root, 1, "db.response.status_code"), "23505");
	assert_null(attribute_of(*state, root, 1, "db.response.returned_rows"));
}

static void
the_wait_for_a_worker_comes_before_the_request(void **state)
{
	struct request_spans request = new_request(NULL, 0);
	struct json_object *root;

	request.queue_us = 700;
	root = written(*state, &request, OTLP_SPANS_MAX_BYTES);
	assert_int_equal(json_object_array_length(root), 2);
	assert_string_equal(unit_at(root, "/1/name"), "wait for a worker");
	assert_string_equal(unit_at(root, "/1/startTimeUnixNano"),
	                    unit_at(root, "/0/startTimeUnixNano"));
}

static void
a_step_that_does_not_fit_is_left_out_whole(void **state)
{
	struct span spans[SPANS_MAX] = { 0 };
	struct request_spans request = new_request(spans, COUNT_OF(spans));
	char sql[5000];
	size_t count;

	memset(sql, 'x', sizeof(sql) - 1);
	sql[sizeof(sql) - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(spans); i++)
		spans[i] = (struct span){ .step = SPAN_QUERY, .text = sql };
	count = json_object_array_length(written(*state, &request, OTLP_SPANS_MAX_BYTES));
	assert_true(count > 2 && count < COUNT_OF(spans));
}

static void
a_batch_is_one_json_document(void **state)
{
	struct settings settings = { .otel_attribute_count = 1 };
	struct request_spans request = new_request(NULL, 0);
	struct json_object *root;
	struct buf batch, message;

	settings.otel_attribute[0].key = "service.name";
	settings.otel_attribute[0].value = "a \"shop\"";
	buf_init(&batch, *state, OTLP_SPANS_MAX_BYTES);
	otlp_spans_begin_batch(&batch, &settings);
	buf_init(&message, *state, OTLP_SPANS_MAX_BYTES);
	otlp_spans_write(&message, &request);
	buf_text(&batch, message.data);
	buf_char(&batch, ',');
	buf_text(&batch, message.data);
	buf_text(&batch, otlp_spans_batch_end);
	root = unit_json(*state, batch.data);
	assert_string_equal(
	    unit_at(root, "/resourceSpans/0/resource/attributes/0/value/stringValue"),
	    "a \"shop\"");
	assert_string_equal(unit_at(root, "/resourceSpans/0/scopeSpans/0/spans/1/name"),
	                    "GET /users/{id}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_the_parent_of_its_steps),
		TEST(a_failed_step_has_a_status_and_no_rows),
		TEST(the_wait_for_a_worker_comes_before_the_request),
		TEST(a_step_that_does_not_fit_is_left_out_whole),
		TEST(a_batch_is_one_json_document),
	};

	return cmocka_run_group_tests_name("otlp_spans", tests, NULL, NULL);
}
