/* bodies - a program of the tests: each kind of body, as a user would take it */
#include <stdio.h>
#include <string.h>

#include "bodies.sql.h"
#include "nullpool.h"

/* --- bytes, and signatures over them --- */

static bool
keep_bytes(struct np_ctx *ctx)
{
	return np_answer(ctx, kept_bytes(np_bytea(ctx, np_body(ctx))));
}

static bool
show_size(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "size", np_int((int64_t)np_body(ctx).size) }));
}

/* GitHub's documentation has this secret, this body and their signature. */
static bool
check_github(struct np_ctx *ctx)
{
	const char *sent = np_header_of(ctx, "x-hub-signature-256").text;

	if (!sent || strncmp(sent, "sha256=", 7) != 0
	    || !np_hmac_equal(np_bytes_of("It's a Secret to Everybody"), sent + 7,
	                      NP_PARTS(np_body(ctx))))
		return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "The signature is wrong");
	return true;
}

/* Finds "name=value" in a list with commas between its items, and copies the value. */
static bool
find_item(const char *list, const char *name, size_t nth, char value[100])
{
	size_t size = strlen(name);

	while (list) {
		if (strncmp(list, name, size) == 0 && list[size] == '=' && nth-- == 0) {
			(void)snprintf(value, 100, "%.*s", (int)strcspn(list + size + 1, ","),
			               list + size + 1);
			return true;
		}
		list = strchr(list, ',');
		list = list ? list + 1 : NULL;
	}
	return false;
}

/* Stripe-Signature: t=…,v1=…,v1=… signs "t.body". */
static bool
check_stripe(struct np_ctx *ctx)
{
	const char *sent = np_header_of(ctx, "stripe-signature").text;
	char time[100], signature[100];

	if (!sent || !find_item(sent, "t", 0, time))
		return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "The signature is missing");
	for (size_t i = 0; find_item(sent, "v1", i, signature); i++)
		if (np_hmac_equal(np_bytes_of("whsec_test_secret"), signature,
		                  NP_PARTS(np_bytes_of(time), np_bytes_of("."), np_body(ctx))))
			return true;
	return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "The signature is wrong");
}

/* Standard Webhooks, as Svix and Clerk send them: the key is bytes. */
static bool
check_standard(struct np_ctx *ctx)
{
	const char *id = np_header_of(ctx, "webhook-id").text,
	           *time = np_header_of(ctx, "webhook-timestamp").text,
	           *sent = np_header_of(ctx, "webhook-signature").text;

	if (!id || !time || !sent || strncmp(sent, "v1,", 3) != 0
	    || !np_hmac_equal(np_base64_bytes(ctx, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), sent + 3,
	                      NP_PARTS(np_bytes_of(id), np_bytes_of("."), np_bytes_of(time),
	                               np_bytes_of("."), np_body(ctx))))
		return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "The signature is wrong");
	return true;
}

/* --- JSON as a whole --- */

static bool
keep_json(struct np_ctx *ctx)
{
	return np_answer(ctx, kept_json(np_body_json(ctx)));
}

static bool
show_age(struct np_ctx *ctx)
{
	return np_answer(ctx, age(np_body_json(ctx)));
}

/* --- objects in a table --- */

static const struct np_param width = {
	.name = "width", .in = NP_IN_BODY, .type = NP_TYPE_INT, .required = true, .min = 1, .max = 9
};
static const struct np_param unit = { .name = "unit",
	                              .in = NP_IN_BODY,
	                              .type = NP_TYPE_ENUM,
	                              .choices = NP_NAMES("cm", "in"),
	                              .default_value = "cm" };
static const struct np_param sku = { .name = "sku",
	                             .in = NP_IN_BODY,
	                             .type = NP_TYPE_STRING,
	                             .required = true,
	                             .min = 1,
	                             .max = 20,
	                             .pattern = "[A-Z0-9-]+" };
static const struct np_param quantity = { .name = "quantity",
	                                  .in = NP_IN_BODY,
	                                  .type = NP_TYPE_INT,
	                                  .min = 1,
	                                  .max = 100,
	                                  .default_value = "1" };
static const struct np_param price = {
	.name = "price", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT, .nullable = true
};
static const struct np_param at = { .name = "at", .in = NP_IN_BODY, .type = NP_TYPE_DATETIME };
static const struct np_param size = { .name = "size",
	                              .in = NP_IN_BODY,
	                              .type = NP_TYPE_OBJECT,
	                              .nullable = true,
	                              .members = NP_PARAMS(&width, &unit) };
static const struct np_param tags = {
	.name = "tags", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 5, .max_items = 3
};
static const struct np_param gift = { .name = "gift", .in = NP_IN_BODY, .type = NP_TYPE_JSON };
static const struct np_param items = { .name = "items",
	                               .in = NP_IN_BODY,
	                               .type = NP_TYPE_OBJECT,
	                               .required = true,
	                               .max_items = 5,
	                               .members = NP_PARAMS(&sku, &quantity, &price, &at, &size,
	                                                    &tags, &gift) };
static const struct np_param city = {
	.name = "city", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true, .max = 20
};
static const struct np_param door = { .name = "door", .in = NP_IN_BODY, .type = NP_TYPE_UUID };
static const struct np_param address = { .name = "to.address",
	                                 .in = NP_IN_BODY,
	                                 .type = NP_TYPE_OBJECT,
	                                 .members = NP_PARAMS(&city, &door) };

static bool
order(struct np_ctx *ctx)
{
	return np_answer(ctx, order_lines(np_arg(ctx, &items)));
}

static bool
deliver(struct np_ctx *ctx)
{
	return np_answer(ctx, delivery(np_arg(ctx, &address)));
}

static const struct np_param lines = {
	.name = "lines", .type = NP_TYPE_OBJECT, .max_items = 5, .members = NP_PARAMS(&sku, &size)
};
static const struct np_schema lines_schema = { .name = "Lines", .members = NP_PARAMS(&lines) };

/* --- files --- */

static const struct np_param title = {
	.name = "title", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true, .max = 20
};
static const struct np_param count = { .name = "count", .in = NP_IN_BODY, .type = NP_TYPE_INT };
static const struct np_param picture = { .name = "picture",
	                                 .in = NP_IN_BODY,
	                                 .type = NP_TYPE_FILE,
	                                 .min = 1,
	                                 .max = 1000,
	                                 .choices = NP_NAMES("image/", "application/pdf") };
static const struct np_param papers = {
	.name = "papers", .in = NP_IN_BODY, .type = NP_TYPE_FILE, .max = 300000, .max_items = 3
};

static bool
upload(struct np_ctx *ctx)
{
	size_t files = np_files_count(ctx, &papers);
	struct np_file first = np_file(ctx, &papers, 0);
	struct np_rows *row;

	return np_query_one(ctx, &row,
	                    two_contents(np_arg(ctx, &picture),
	                                 files > 0 ? np_bytea(ctx, first.content) : np_null()))
	       && np_reply_object(
	           ctx, NP_STATUS_OK,
	           NP_OBJECT({ "title", np_arg(ctx, &title) }, { "count", np_arg(ctx, &count) },
	                     { "picture", np_field(row, 0, "one") },
	                     { "papers", np_int((int64_t)files) }, { "name", np_text(first.name) },
	                     { "type", np_text(first.type) },
	                     { "size", np_int((int64_t)first.content.size) },
	                     { "paper", np_field(row, 0, "other") },
	                     { "given", np_bool(np_given(ctx, &picture)) }));
}

static bool
misuse(struct np_ctx *ctx)
{
	const char *what = np_arg(ctx, &title).text;

	switch (what ? what[0] : '\0') {
	case 'b':
		return np_body(ctx).size > 0 && np_reply_empty(ctx);
	case 'j':
		return !np_is_null(np_body_json(ctx)) && np_reply_empty(ctx);
	case 'f':
		return np_files_count(ctx, &title) > 0 && np_reply_empty(ctx);
	case 'o':
		return np_file(ctx, &papers, 0).name && np_reply_empty(ctx);
	default:
		return np_reply_empty(ctx);
	}
}

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/bodies/raw",
	  .handle = keep_bytes,
	  .tx = NP_TX_WRITE,
	  .body = NP_BODY_RAW },
	{ .method = "POST",
	  .path = "/bodies/large",
	  .handle = show_size,
	  .body = NP_BODY_RAW,
	  .body_max = 3 << 20 },
	{ .method = "POST",
	  .path = "/bodies/github",
	  .handle = show_size,
	  .body = NP_BODY_RAW,
	  .guard = check_github },
	{ .method = "POST",
	  .path = "/bodies/stripe",
	  .handle = show_size,
	  .body = NP_BODY_RAW,
	  .guard = check_stripe },
	{ .method = "POST",
	  .path = "/bodies/standard",
	  .handle = show_size,
	  .body = NP_BODY_RAW,
	  .guard = check_standard },
	{ .method = "POST",
	  .path = "/bodies/json",
	  .handle = keep_json,
	  .tx = NP_TX_WRITE,
	  .body = NP_BODY_JSON },
	{ .method = "POST",
	  .path = "/bodies/json/age",
	  .handle = show_age,
	  .tx = NP_TX_READ,
	  .body = NP_BODY_JSON },
	{ .method = "POST",
	  .path = "/bodies/orders",
	  .handle = order,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&items),
	  .returns = &lines_schema },
	{ .method = "POST",
	  .path = "/bodies/orders/lenient",
	  .handle = order,
	  .tx = NP_TX_WRITE,
	  .lenient = true,
	  .params = NP_PARAMS(&items) },
	{ .method = "POST",
	  .path = "/bodies/deliveries",
	  .handle = deliver,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&address) },
	{ .method = "POST",
	  .path = "/bodies/files",
	  .handle = upload,
	  .tx = NP_TX_READ,
	  .body = NP_BODY_MULTIPART,
	  .params = NP_PARAMS(&title, &count, &picture, &papers) },
	{ .method = "POST",
	  .path = "/bodies/files/kept",
	  .handle = upload,
	  .tx = NP_TX_WRITE,
	  .body = NP_BODY_MULTIPART,
	  .lenient = true,
	  .params = NP_PARAMS(&title, &count, &picture, &papers) },
	{ .method = "POST",
	  .path = "/bodies/misuse",
	  .handle = misuse,
	  .params = NP_PARAMS(&title) },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "bodies", routes);
}
