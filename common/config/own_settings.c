#include "config/own_settings.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/value.h"
#include "config/choices.h"

#define NAME_MAX_BYTES    64
#define MESSAGE_MAX_BYTES 4096

/* --- one value --- */

/* Both 0: no bounds. With a min alone there is no upper bound (struct np_param). */
static bool
is_within(const struct np_setting *setting, int64_t number)
{
	bool bounded = setting->min != 0 || setting->max != 0;

	return !bounded
	       || (number >= setting->min
	           && (number <= setting->max || (setting->min > 0 && setting->max == 0)));
}

static const char *
with_bounds(void *owner, const struct np_setting *setting, const char *what, const char *unit)
{
	if (setting->min == 0 && setting->max == 0)
		return what;
	if (setting->min > 0 && setting->max == 0)
		return mem_printf(owner, "%s, at least %" PRId64 "%s", what, setting->min, unit);
	return mem_printf(owner, "%s, from %" PRId64 " to %" PRId64 "%s", what, setting->min,
	                  setting->max, unit);
}

static const char *
read_choice(void *owner, const struct np_setting *setting, struct np_value *value)
{
	struct buf message;

	buf_init(&message, owner, MESSAGE_MAX_BYTES);
	buf_text(&message, "must be one of:");
	for (size_t i = 0; i < setting->choices->count; i++) {
		const char *choice = setting->choices->items[i];

		if (text_equal_nocase(choice, value->text)) {
			value->text = choice;
			value->integer = (int64_t)i;
			return NULL;
		}
		buf_printf(&message, "%s %s", i > 0 ? "," : "", choice);
	}
	return message.data;
}

static const char *
read_number(void *owner, const struct np_setting *setting, struct np_value *value)
{
	char number[VALUE_TEXT_BYTES];

	if (!parse_int(value->text, &value->integer) || !is_within(setting, value->integer))
		return with_bounds(owner, setting, "must be a whole number", "");
	*value = np_int(value->integer);
	value->text = mem_strdup(owner, value_text(value, number));
	return NULL;
}

static const char *
read_text(void *owner, const struct np_setting *setting, const struct np_value *value)
{
	size_t points;

	if (!utf8_valid(value->text, strlen(value->text), &points))
		return "must be UTF-8";
	return is_within(setting, (int64_t)points)
	           ? NULL
	           : with_bounds(owner, setting, "must be a text", " characters");
}

/* Makes a value of a text. Returns what is wrong with it, or NULL. */
static const char *
read_value(void *owner, const struct np_setting *setting, const char *text, struct np_value *value)
{
	bool yes;

	*value = (struct np_value){ .text = text, .type = setting->type, .present = true };
	switch (setting->type) {
	case NP_TYPE_STRING:
		return read_text(owner, setting, value);
	case NP_TYPE_INT:
		return read_number(owner, setting, value);
	case NP_TYPE_FLOAT:
		return parse_float(text, &value->number) ? NULL : "must be a number";
	case NP_TYPE_BOOL:
		if (!switch_parse(text, &yes))
			return "must be true or false";
		*value = np_bool(yes);
		return NULL;
	case NP_TYPE_ENUM:
		return read_choice(owner, setting, value);
	default:
		return "has a type that no setting has";
	}
}

/* --- the declarations --- */

static bool
is_name(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++)
		if (!(name[i] >= 'A' && name[i] <= 'Z')
		    && !(i > 0 && (text_is_digit(name[i]) || name[i] == '_')))
			return false;
	return size > 0 && size <= NAME_MAX_BYTES;
}

static bool
has_known_type(const struct np_setting *setting)
{
	switch (setting->type) {
	case NP_TYPE_STRING:
	case NP_TYPE_INT:
	case NP_TYPE_FLOAT:
	case NP_TYPE_BOOL:
		return !setting->choices;
	case NP_TYPE_ENUM:
		return setting->choices && setting->choices->count > 0;
	default:
		return false;
	}
}

static bool
is_declared_before(const struct np_settings *declared, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(declared->items[i]->name, declared->items[index]->name) == 0)
			return true;
	return false;
}

/* Others set these: a web server for CGI, of which HTTP_ are headers of the client; the shell, the
 * dynamic linker, systemd, libpq (which a program unsets) and we. */
static bool
is_of_others(const char *name)
{
	static const char *const starts[] = { "HTTP_",     "CONTENT_", "PATH",      "QUERY_",
		                              "REMOTE_",   "REQUEST_", "SCRIPT_",   "SERVER_",
		                              "AUTH_TYPE", "GATEWAY_", "REDIRECT_", "PG",
		                              "LD_",       "LC_",      "LISTEN_",   "NOTIFY_",
		                              "NULLPOOL_" };
	static const char *const names[] = { "HOME",  "HTTPS",  "LANG", "USER",
		                             "SHELL", "TMPDIR", "TZ" };

	for (size_t i = 0; i < COUNT_OF(starts); i++)
		if (text_starts(name, starts[i]))
			return true;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static const char *
setting_fault(void *owner, const struct np_setting *setting)
{
	struct np_value ignored;

	if (!setting->name || !is_name(setting->name))
		return "has a name that is not of capital letters, digits and underscores,"
		       " or is too long";
	if (is_of_others(setting->name))
		return "has a name that web servers or the system use";
	if (setting->secret && setting->type != NP_TYPE_STRING)
		return "is a secret that is no text";
	if (!has_known_type(setting))
		return "has a type that no setting has, or choices that do not go with it";
	if (setting->default_value && (setting->required || setting->secret))
		return "has a default value, and is required or a secret";
	if (setting->default_value)
		return read_value(owner, setting, setting->default_value, &ignored);
	return NULL;
}

const char *
own_settings_fault(void *owner, const struct np_settings *declared)
{
	if (own_settings_count(declared) > OWN_SETTINGS_MAX)
		return mem_printf(owner, "there are more than %d settings", OWN_SETTINGS_MAX);
	for (size_t i = 0; i < own_settings_count(declared); i++) {
		const struct np_setting *setting = declared->items[i];
		const char *fault = setting ? setting_fault(owner, setting) : "is NULL";

		if (!fault && is_declared_before(declared, i))
			fault = "is declared twice";
		if (fault)
			return mem_printf(owner, "setting %s: %s",
			                  setting && setting->name ? setting->name : "NULL", fault);
	}
	return NULL;
}

/* --- all of them --- */

static void
read_one(const struct sources *sources, const struct np_setting *setting, struct source_text *found,
         struct np_value *value)
{
	const char *text, *fault = NULL;

	*found = sources_find(sources, setting->name, NULL, setting->secret);
	if (setting->secret)
		log_secret(found->text);
	text = found->text ? found->text : setting->default_value;
	*value = (struct np_value){ .type = setting->type };
	if (text)
		fault = read_value(sources->owner, setting, text, value);
	else if (setting->required)
		fault = "is required";
	if (fault)
		buf_printf(sources->faults, "%s: %s\n", setting->name, fault);
}

void
own_settings_read(const struct sources *sources, const struct np_settings *declared,
                  struct own_settings *own)
{
	own->declared = declared;
	for (size_t i = 0; i < own_settings_count(declared); i++)
		read_one(sources, declared->items[i], &own->texts[i], &own->values[i]);
}

void
own_settings_print(const struct own_settings *own, struct buf *out)
{
	for (size_t i = 0; i < own_settings_count(own->declared); i++) {
		const struct np_setting *setting = own->declared->items[i];
		const char *text = own->values[i].text;

		buf_printf(out, SETTING_LINE, setting->name,
		           !text             ? "-"
		           : setting->secret ? "***"
		                             : text,
		           own->texts[i].source);
	}
}

const struct np_value *
own_settings_find(const struct own_settings *own, const struct np_setting *setting)
{
	for (size_t i = 0; i < own_settings_count(own->declared); i++)
		if (own->declared->items[i] == setting)
			return &own->values[i];
	return NULL;
}
