#include "http/param_multipart.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/multipart.h"
#include "http/param_row.h"

const char *
param_bytea(void *owner, const void *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = bytes;
	char *text = mem_resize(owner, NULL, 2 + 2 * size + 1), *at = text;

	*at++ = '\\';
	*at++ = 'x';
	for (size_t i = 0; i < size; i++) {
		*at++ = digits[byte[i] >> 4];
		*at++ = digits[byte[i] & 15];
	}
	*at = '\0';
	return text;
}

/* The name outlives its part. */
static void
add_part_fault(struct decoder *decoder, const struct multipart_part *part, const char *message)
{
	decoder_add_fault(decoder, NP_IN_BODY, mem_strdup(decoder->owner, part->name), message);
}

/* --- a file --- */

/* A choice that ends with a slash stands for all types that begin so. */
static bool
is_allowed_type(const struct np_names *types, const char *type)
{
	for (size_t i = 0; types && i < types->count; i++) {
		const char *one = types->items[i];

		if (text_ends(one, "/") ? text_starts(type, one) : strcmp(type, one) == 0)
			return true;
	}
	return !types;
}

static const char *
type_message(void *owner, const struct np_names *types)
{
	const char *message = "must be of one of these types:";

	for (size_t i = 0; i < types->count; i++)
		message = mem_printf(owner, "%s%s %s%s", message, i > 0 ? "," : "", types->items[i],
		                     text_ends(types->items[i], "/") ? "*" : "");
	return message;
}

static int64_t
files_max(const struct np_param *param)
{
	return param->max_items > 0 ? param->max_items : 1;
}

/* Returns what the file must be, or NULL. */
static const char *
file_fault(void *owner, const struct argument *argument, const struct np_file *file)
{
	const struct np_param *param = argument->param;
	int64_t most = files_max(param);

	if ((int64_t)argument->file_count == most)
		return most == 1 ? "is given twice"
		                 : mem_printf(owner, "must have at most %" PRId64 " files", most);
	if (!is_allowed_type(param->choices, file->type))
		return type_message(owner, param->choices);
	if (param_has_max(param) && (int64_t)file->content.size > param->max)
		return mem_printf(owner, "must have at most %" PRId64 " bytes", param->max);
	if (param_has_min(param) && (int64_t)file->content.size < param->min)
		return mem_printf(owner, "must have at least %" PRId64 " bytes", param->min);
	return NULL;
}

/* The value is the bytes of the only file. */
static void
add_file(struct decoder *decoder, struct argument *argument, const struct np_file *file)
{
	const struct np_param *param = argument->param;

	if (!argument->files)
		argument->files = mem_array(decoder->owner, struct np_file,
		                            (size_t)files_max(param));
	argument->files[argument->file_count++] = (struct np_file){
		mem_strdup(decoder->owner, file->name),
		mem_strdup(decoder->owner, file->type),
		file->content,
	};
	if (param->max_items > 0)
		return;
	argument->value.present = true;
	argument->value.text = param_bytea(decoder->owner, file->content.bytes, file->content.size);
}

static void
decode_file(struct decoder *decoder, struct argument *argument, const struct multipart_part *part)
{
	const struct np_file file = { part->file_name,
		                      part->type ? part->type : "application/octet-stream",
		                      { part->bytes, part->size } };
	const char *fault;

	/* A browser sends this for an input in which nobody chose a file. */
	if (!*part->file_name && part->size == 0)
		return;
	fault = file_fault(decoder->owner, argument, &file);
	argument->given = true;
	if (fault)
		add_part_fault(decoder, part, fault);
	else
		add_file(decoder, argument, &file);
}

/* --- a field --- */

static void
decode_field(struct decoder *decoder, struct argument *argument, const struct multipart_part *part)
{
	const char *text = mem_strndup(decoder->owner, part->bytes, part->size);

	if (argument->given)
		add_part_fault(decoder, part, "is given twice");
	else if (strlen(text) != part->size || !utf8_valid(text, part->size, NULL))
		add_part_fault(decoder, part, "must be text in UTF-8");
	else if (*text || !decoder->lenient)
		decoder_set(decoder, argument, text);
	argument->given = argument->given || *text || !decoder->lenient;
}

static void
decode_part(struct decoder *decoder, const struct multipart_part *part)
{
	struct argument *argument = decoder_find(decoder, NP_IN_BODY, part->name);
	bool wants_file = argument && argument->param->type == NP_TYPE_FILE;

	if (!argument) {
		if (!decoder->lenient)
			add_part_fault(decoder, part, DECODER_UNKNOWN_FIELD);
	} else if (wants_file != (part->file_name != NULL)) {
		add_part_fault(decoder, part, wants_file ? "must be a file" : "must not be a file");
	} else {
		(wants_file ? decode_file : decode_field)(decoder, argument, part);
	}
}

bool
param_multipart_decode(struct decoder *decoder, const struct request *request, const char *type,
                       struct error *err)
{
	enum multipart_outcome outcome = MULTIPART_MALFORMED;
	struct multipart multipart;
	struct multipart_part part;

	if (!multipart_begin(decoder->owner, type, request->body, request->body_size, &multipart,
	                     err))
		return false;
	do {
		void *scope = mem_scope(decoder->owner, "part");

		outcome = multipart_next(scope, &multipart, &part, err);
		if (outcome == MULTIPART_PART)
			decode_part(decoder, &part);
		mem_free(scope);
	} while (outcome == MULTIPART_PART && decoder->faults->count < PARAM_FAULTS_MAX);
	return outcome != MULTIPART_MALFORMED;
}
