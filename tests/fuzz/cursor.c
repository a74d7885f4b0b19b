/* cursor - a written cursor can be read, and each readable text is one that would be written: one
 * text, one meaning */
#include "http/cursor.h"

#include "fuzz.h"

static size_t
count_of(const char *keys[CURSOR_KEYS_MAX])
{
	size_t count = 0;

	while (count < CURSOR_KEYS_MAX && keys[count])
		count++;
	for (size_t i = count; i < CURSOR_KEYS_MAX; i++)
		HOLDS(!keys[i]);
	return count;
}

/* A text that is accepted is exactly the one that cursor_write() writes. */
static void
read_any(void *owner, const char *text)
{
	const char *keys[CURSOR_KEYS_MAX];
	struct buf again;
	size_t count;

	if (!cursor_read(owner, text, keys))
		return;
	count = count_of(keys);
	HOLDS(count > 0);
	for (size_t i = 0; i < count; i++)
		HOLDS(utf8_valid(keys[i], strlen(keys[i]), NULL));
	buf_init(&again, owner, CURSOR_MAX_BYTES);
	cursor_write(&again, keys, count);
	HOLDS(!again.overflow && strcmp(again.data, text) == 0);
}

/* Returns how many bytes are escaped as two. */
static size_t
count_escaped(const char *key)
{
	size_t count = 0;

	for (; *key; key++)
		count += *key == 0x1e || *key == 0x1f;
	return count;
}

/* The keys are lines of the input. */
static void
write_and_read(void *owner, struct input *in)
{
	const char *keys[CURSOR_KEYS_MAX], *read[CURSOR_KEYS_MAX];
	size_t count = 0, bytes = 0;
	bool valid = true;
	struct buf text;

	do {
		keys[count] = input_text(owner, in, '\n');
		bytes += 1 + strlen(keys[count]) + count_escaped(keys[count]);
		valid = valid && utf8_valid(keys[count], strlen(keys[count]), NULL);
	} while (++count < CURSOR_KEYS_MAX && in->left > 0);
	buf_init(&text, owner, (size_t)CURSOR_MAX_BYTES * 2);
	cursor_write(&text, keys, count);
	if (!valid || bytes > CURSOR_MAX_BYTES / 4 * 3) {
		HOLDS(bytes <= CURSOR_MAX_BYTES / 4 * 3 || text.overflow);
		return;
	}
	HOLDS(!text.overflow && text.size <= CURSOR_MAX_BYTES);
	HOLDS(cursor_read(owner, text.data, read));
	HOLDS(count_of(read) == count);
	for (size_t i = 0; i < count; i++)
		HOLDS(same_text(keys[i], read[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };

	read_any(owner, input_rest(owner, &in));
	in = (struct input){ data, size };
	write_and_read(owner, &in);
	mem_free(owner);
	return 0;
}
