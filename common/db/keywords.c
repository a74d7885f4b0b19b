#include "db/keywords.h"

#include <assert.h>

#include <libpq-fe.h>

#include "base/log.h"
#include "base/text.h"

void
keywords_clean_environment(void)
{
	/* Each conninfo has the first two by now, but a program that a reload executes reads them
	 * again. */
	static const char *const preserved[] = { "PGSSLMODE",
		                                 "PGSSLROOTCERT",
		                                 "PGSSLCERT",
		                                 "PGSSLKEY",
		                                 "PGSSLCRL",
		                                 "PGSSLCRLDIR",
		                                 "PGCHANNELBINDING",
		                                 "PGREQUIREAUTH",
		                                 "PGSSLMINPROTOCOLVERSION",
		                                 "PGSSLMAXPROTOCOLVERSION" };
	PQconninfoOption *options = PQconndefaults();

	for (PQconninfoOption *option = options; option && option->keyword; option++) {
		bool keep = !option->envvar;

		for (size_t i = 0; !keep && i < COUNT_OF(preserved); i++)
			keep = strcmp(preserved[i], option->envvar) == 0;
		if (!keep)
			(void)unsetenv(option->envvar);
	}
	PQconninfoFree(options);
	/* These are not in libpq's table: it sends them at startup, or finds files by them. */
	(void)unsetenv("PGTZ");
	(void)unsetenv("PGDATESTYLE");
	(void)unsetenv("PGGEQO");
	(void)unsetenv("PGSERVICEFILE");
	(void)unsetenv("PGSYSCONFDIR");
}

static bool
is_known(const PQconninfoOption *options, const char *name)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, name) == 0)
			return true;
	return false;
}

/* Returns true if leaving it out could make a connection that its author meant to forbid. */
static bool
is_protective(const char *name)
{
	return strcmp(name, "sslnegotiation") != 0 && strcmp(name, "sslsni") != 0;
}

static size_t
index_of(const struct keywords *keywords, const char *name)
{
	size_t at = 0;

	while (at < keywords->count && strcmp(keywords->names[at], name) != 0)
		at++;
	return at;
}

const char *
keywords_get(const struct keywords *keywords, const char *name)
{
	size_t at = index_of(keywords, name);

	return at < keywords->count ? keywords->values[at] : NULL;
}

void
keywords_set(struct keywords *keywords, const char *name, const char *value)
{
	size_t at = index_of(keywords, name);

	assert(at + 1 < COUNT_OF(keywords->names));
	keywords->names[at] = name;
	keywords->values[at] = value;
	if (at == keywords->count)
		keywords->count++;
}

static bool
add_known(struct keywords *keywords, const struct conninfo *info, const PQconninfoOption *known,
          struct error *err)
{
	for (size_t i = 0; i < info->count; i++) {
		if (is_known(known, info->keywords[i]))
			keywords_set(keywords, info->keywords[i], info->values[i]);
		else if (is_protective(info->keywords[i]))
			return error_set(err, FAILURE_INTERNAL, "this libpq (%d) does not know %s",
			                 PQlibVersion(), info->keywords[i]);
		else
			log_printf(LOG_WARNING, "setting ignored",
			           "this libpq (%d) does not know %s", PQlibVersion(),
			           info->keywords[i]);
	}
	return true;
}

bool
keywords_init(struct keywords *keywords, const struct conninfo *info, struct error *err)
{
	PQconninfoOption *known = PQconndefaults();
	bool added;

	*keywords = (struct keywords){ .knows_sslnegotiation = is_known(known, "sslnegotiation"),
		                       .knows_system_root = is_known(known, "require_auth") };
	added = add_known(keywords, info, known, err);
	keywords_set(keywords, "client_encoding", "UTF8");
	/* With a Kerberos cache libpq would spend a round trip on a GSS request that is refused. */
	if (!conninfo_get(info, "gssencmode") && is_known(known, "gssencmode"))
		keywords_set(keywords, "gssencmode", "disable");
	PQconninfoFree(known);
	return added;
}
