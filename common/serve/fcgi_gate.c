#include "serve/fcgi_gate.h"

#include <fastcgi.h>

/* The highest bit marks a length of 4 bytes. */
#define LONG_LENGTH 0x80

/* A position in a stream of name-value pairs: in a length, or in the bytes that two lengths
 * counted. */
struct pairs {
	size_t lengths;     /* how many of a pair's two were read */
	size_t length_left; /* bytes that are missing of a length; 0: none is begun */
	size_t length;      /* its value so far */
	size_t bytes;       /* of name and value that are still to come */
};

struct walk {
	const unsigned char *at;
	size_t left;
	unsigned id; /* of the request; 0: it has not begun */
	bool has_params;
	struct pairs params;
};

struct record {
	unsigned type, id;
	size_t content, padding;
	const unsigned char *bytes;
};

/* Returns false if the length is longer than any request. */
static bool
end_length(struct pairs *pairs)
{
	if (pairs->length > FCGI_GATE_MAX_BYTES)
		return false;
	pairs->bytes += pairs->length;
	pairs->length = 0;
	pairs->lengths = (pairs->lengths + 1) % 2;
	return true;
}

static bool
read_length(struct pairs *pairs, unsigned char byte)
{
	if (pairs->length_left > 0) {
		pairs->length = pairs->length << 8 | byte;
		pairs->length_left--;
	} else if (byte & LONG_LENGTH) {
		pairs->length = byte & (unsigned)~LONG_LENGTH;
		pairs->length_left = 3;
	} else {
		pairs->length = byte;
	}
	return pairs->length_left > 0 || end_length(pairs);
}

/* A pair may begin in one record and end in another. */
static bool
read_pairs(struct pairs *pairs, const unsigned char *bytes, size_t size)
{
	while (size > 0) {
		/* Name and value follow their two lengths. */
		if (pairs->bytes > 0 && pairs->lengths == 0 && pairs->length_left == 0) {
			size_t skip = size < pairs->bytes ? size : pairs->bytes;

			pairs->bytes -= skip;
			bytes += skip;
			size -= skip;
			continue;
		}
		if (!read_length(pairs, *bytes))
			return false;
		bytes++;
		size--;
	}
	return true;
}

/* libfcgi answers a management record at once, wherever it comes, and does not always ask for its
 * type. */
static bool
check_management(const struct record *record)
{
	struct pairs pairs = { 0 };

	return read_pairs(&pairs, record->bytes, record->content);
}

/* Checks a record that comes before the parameters are complete. */
static bool
check_head(struct walk *walk, const struct record *record)
{
	if (record->type == FCGI_BEGIN_REQUEST && (walk->id == 0 || record->id == walk->id)) {
		walk->id = record->id;
		return record->content == sizeof(FCGI_BeginRequestBody);
	}
	if (record->type != FCGI_PARAMS || record->id != walk->id)
		return false;
	walk->has_params = record->content == 0;
	return read_pairs(&walk->params, record->bytes, record->content);
}

/* Returns false if the next record is not complete. */
static bool
next_record(struct walk *walk, struct record *record)
{
	const unsigned char *at = walk->at;

	if (walk->left < FCGI_HEADER_LEN)
		return false;
	*record = (struct record){
		.type = at[1],
		.id = (unsigned)at[2] << 8 | at[3],
		.content = (size_t)at[4] << 8 | at[5],
		.padding = at[6],
		.bytes = at + FCGI_HEADER_LEN,
	};
	if (walk->left - FCGI_HEADER_LEN < record->content + record->padding)
		return false;
	walk->at += FCGI_HEADER_LEN + record->content + record->padding;
	walk->left -= FCGI_HEADER_LEN + record->content + record->padding;
	return true;
}

enum fcgi_gate
fcgi_gate(const unsigned char *bytes, size_t size)
{
	struct walk walk = { .at = bytes, .left = size };
	struct record record;

	/* The version first: what is not FastCGI has no length to wait for. */
	while (walk.left == 0 || *walk.at == FCGI_VERSION_1) {
		if (!next_record(&walk, &record))
			return walk.has_params ? FCGI_GATE_OPEN : FCGI_GATE_MORE;
		if (record.id == FCGI_NULL_REQUEST_ID
		        ? !check_management(&record)
		        : !walk.has_params && !check_head(&walk, &record))
			return FCGI_GATE_SHUT;
		if (walk.has_params && record.type == FCGI_STDIN && record.id == walk.id
		    && record.content == 0)
			return FCGI_GATE_WHOLE;
	}
	return FCGI_GATE_SHUT;
}
