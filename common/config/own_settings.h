/* own_settings.h - the settings that a program declares itself (struct np_setting)
 *
 * Their text comes from the same sources as that of the library's settings, and they are read,
 * reported and printed together with them (settings.h).
 */
#ifndef NULLPOOL_CONFIG_OWN_SETTINGS_H
#define NULLPOOL_CONFIG_OWN_SETTINGS_H

#include "base/buf.h"
#include "config/sources.h"
#include "nullpool.h"

#define OWN_SETTINGS_MAX 32
/* Of --settings: name, value, source. */
#define SETTING_LINE "%-34s %s  (%s)\n"

struct own_settings {
	const struct np_settings *declared; /* NULL: none */
	/* For each that is declared. */
	struct source_text texts[OWN_SETTINGS_MAX];
	struct np_value values[OWN_SETTINGS_MAX];
};

static inline size_t
own_settings_count(const struct np_settings *declared)
{
	return declared ? declared->count : 0;
}

/* Returns what is wrong with the declarations, which belongs to owner, or NULL. */
const char *own_settings_fault(void *owner, const struct np_settings *declared);

/* Reads them. Secrets are registered with log_secret(). A value that breaks a rule, or that is
 * missing, is a fault. */
void own_settings_read(const struct sources *sources, const struct np_settings *declared,
                       struct own_settings *own);

/* Returns the value of a setting, or NULL if it was not declared. */
const struct np_value *own_settings_find(const struct own_settings *own,
                                         const struct np_setting *setting);

/* Prints a line "NAME value (source)" for each, with *** for a secret. */
void own_settings_print(const struct own_settings *own, struct buf *out);

#endif
