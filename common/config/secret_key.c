#include "config/secret_key.h"

#include "base/text.h"

#define STRINGIFY(number) #number
#define TEXT_OF(number)   STRINGIFY(number)
#define ADVICE            "; make one with: openssl rand -hex 32"

/* Keys that everybody can read: those of this repository, past ones included (a test looks for
 * them), and those of tutorials that people copy. */
static const char *const published[] = {
	"only-for-development-0123456789-0123456789",
	"only-for-tests-0123456789-0123456789-0123",
	"0c4n4ry-of-the-key-0123456789abcdef-fedcba",
	"0123456789abcdef0123456789abcdef",
	"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", /* FastAPI's manual */
	"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", /* Flask's manual */
	"a-string-secret-at-least-256-bits-long",                           /* jwt.io */
	"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
};

/* What templates have in place of a key. */
static const char *const placeholders[] = { "changeme",    "change-me",    "change_me",
	                                    "change-this", "change_this",  "your-secret",
	                                    "your_secret", "secret-key",   "secret_key",
	                                    "placeholder", "replace-me",   "replace_me",
	                                    "insecure",    "your-256-bit-" };

/* Words that people build keys from. */
static const char *const words[] = {
	"password", "passw0rd", "passwd", "secret",  "key",         "token",   "admin",
	"root",     "user",     "login",  "test",    "development", "develop", "production",
	"dev",      "prod",     "local",  "staging", "demo",        "example", "sample",
	"default",  "super",    "strong", "secure",  "private",     "public",  "random",
	"jwt",      "api",      "auth",   "session", "database",    "server",  "nullpool",
	"only",     "this",     "that",   "not",     "very",        "long",    "please",
	"with",     "from",     "your",   "the",     "for",         "and",     "my",
	"is",
};
#define WORD_ALTERNATIVES 32.0

static const char *const rows[] = { "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop",
	                            "asdfghjkl", "zxcvbnm" };

static bool
is_published(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(published); i++)
		if (strcmp(key, published[i]) == 0)
			return true;
	return false;
}

static bool
is_placeholder(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(placeholders); i++)
		if (strcasestr(key, placeholders[i]))
			return true;
	return false;
}

/* Returns the size of the word that the text begins with, or 0. */
static size_t
word_size(const char *text)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strncasecmp(text, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	return 0;
}

/* Returns true if three characters are neighbours in one of the rows, in either direction, or are
 * all the same. */
static bool
is_sequence(const char *three)
{
	char forward[4] = { three[0], three[1], three[2], '\0' },
	     backward[4] = { three[2], three[1], three[0], '\0' };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strcasestr(rows[i], forward) || strcasestr(rows[i], backward))
			return true;
	return three[0] == three[1] && three[1] == three[2];
}

static bool
occurred_before(const char *key, const char *three)
{
	for (; key < three; key++)
		if (strncasecmp(key, three, 3) == 0)
			return true;
	return false;
}

static size_t
count_distinct(const char *key)
{
	bool seen[256] = { false };
	size_t count = 0;

	for (; *key; key++) {
		count += !seen[(unsigned char)*key];
		seen[(unsigned char)*key] = true;
	}
	return count;
}

/* Estimates how many keys look like this one (secret_key.h). */
static double
count_alternatives(const char *key)
{
	double distinct = (double)count_distinct(key), product = 1;

	for (const char *at = key; *at;) {
		size_t size = word_size(at);

		if (size > 0)
			product *= WORD_ALTERNATIVES;
		else if (at < key + 2 || !(is_sequence(at - 2) || occurred_before(key, at - 2)))
			product *= distinct;
		at += size > 0 ? size : 1;
	}
	return product;
}

const char *
secret_key_fault(const char *key)
{
	double least = 1;

	for (int i = 0; i < SECRET_KEY_MIN_BITS; i++)
		least *= 2;
	if (strlen(key) < SECRET_KEY_MIN_BYTES)
		return "must have at least " TEXT_OF(
		    SECRET_KEY_MIN_BYTES) " bytes in production" ADVICE;
	if (is_published(key))
		return "is published: anybody can sign tokens with it" ADVICE;
	if (is_placeholder(key))
		return "is a placeholder" ADVICE;
	return count_alternatives(key) < least
	           ? "can be guessed: it consists of words, repeats or sequences" ADVICE
	           : NULL;
}
