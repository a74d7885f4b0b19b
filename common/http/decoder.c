#include "http/decoder.h"

#include "base/mem.h"

/* The client gets back no more than this of a name that it sent. */
#define NAME_MAX_BYTES 128

/* Cuts between two characters. */
static const char *
short_name(void *owner, const char *name)
{
	size_t size = NAME_MAX_BYTES;

	if (strlen(name) <= size)
		return name;
	while ((name[size] & 0xc0) == 0x80)
		size--;
	return mem_printf(owner, "%.*s\xe2\x80\xa6", (int)size, name);
}

void
decoder_add_fault(struct decoder *decoder, enum np_in in, const char *name, const char *message)
{
	param_faults_add(decoder->faults, in, short_name(decoder->owner, name), message);
}

const struct np_param *
decoder_find(const struct decoder *decoder, enum np_in in, const char *name)
{
	for (const struct np_param *param = decoder->params; param->name; param++)
		if (param->in == in && strcmp(param->name, name) == 0)
			return param;
	return NULL;
}

struct argument *
decoder_argument(const struct decoder *decoder, const struct np_param *param)
{
	return &decoder->arguments[param - decoder->params];
}

void
decoder_set(struct decoder *decoder, const struct np_param *param, const char *text)
{
	struct argument *argument = decoder_argument(decoder, param);
	const char *message = param_check(decoder->owner, param, text, argument);

	if (message)
		decoder_add_fault(decoder, param->in, param->name, message);
	argument->given = true;
}
