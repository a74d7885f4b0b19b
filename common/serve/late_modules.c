#include "serve/late_modules.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define CONFIG           "/etc/nsswitch.conf"
#define LINE_MAX_BYTES   512
#define MODULE_MAX_BYTES 64

static bool
is_builtin(const char *service)
{
	return strcmp(service, "files") == 0 || strcmp(service, "dns") == 0;
}

/* One that cannot be loaded is one that glibc does without. */
static void
load_module(const char *service)
{
	char name[MODULE_MAX_BYTES + sizeof("libnss_.so.2")];

	if (strlen(service) > MODULE_MAX_BYTES || strchr(service, '/') || is_builtin(service))
		return;
	(void)snprintf(name, sizeof(name), "libnss_%s.so.2", service);
	(void)dlopen(name, RTLD_NOW);
}

/* "files mdns4_minimal [NOTFOUND=return] dns": words, and what to do between them. */
static void
load_services(char *services)
{
	char *rest, *word = strtok_r(services, " \t\n", &rest);

	for (; word && *word != '#'; word = strtok_r(NULL, " \t\n", &rest))
		if (!strchr(word, '[') && !strchr(word, '=') && !strchr(word, ']'))
			load_module(word);
}

void
late_modules_load(void)
{
	FILE *config = fopen(CONFIG, "re");
	char line[LINE_MAX_BYTES];

	(void)dlopen("libgcc_s.so.1", RTLD_NOW);
	while (config && fgets(line, sizeof(line), config)) {
		char *name = line + strspn(line, " \t");

		if (text_starts(name, "hosts:") || text_starts(name, "passwd:"))
			load_services(strchr(name, ':') + 1);
	}
	if (config)
		(void)fclose(config);
}
