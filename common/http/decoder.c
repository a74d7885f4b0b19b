#include "http/decoder.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/param_row.h"

/* The client gets back no more than this of a name that it sent. */
#define NAME_MAX_BYTES 128

/* Cuts between two characters. */
static const char *
short_name(void *owner, const char *name)
{
	if (strlen(name) <= NAME_MAX_BYTES)
		return name;
	return mem_printf(owner, "%.*s\xe2\x80\xa6", (int)utf8_cut(name, NAME_MAX_BYTES), name);
}

void
decoder_add_fault(struct decoder *decoder, enum np_in in, const char *name, const char *message)
{
	param_faults_add(decoder->faults, in, short_name(decoder->owner, name), message);
}

struct argument *
decoder_find(const struct decoder *decoder, enum np_in in, const char *name)
{
	for (size_t i = 0; i < param_count(decoder->params); i++) {
		struct argument *argument = &decoder->arguments[i];

		if (argument->param->in == in && strcmp(argument->param->name, name) == 0)
			return argument;
	}
	return NULL;
}

void
decoder_set(struct decoder *decoder, struct argument *argument, const char *text)
{
	const struct np_param *param = argument->param;
	const char *message = param_check(decoder->owner, param, text, argument);

	if (message)
		decoder_add_fault(decoder, param->in, param->name, message);
	argument->given = true;
}
