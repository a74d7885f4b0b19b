/* otel_settings.c - the OTEL_… variables of OpenTelemetry's SDKs
 *
 * They follow https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/. A value that these say to ignore is
 * ignored with a warning. A URL or a header that cannot work is a fault, as in any other setting.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/settings_check.h"
#include "config/url.h"

/* --- where spans are sent --- */

static void
check_collector_url(const char *name, const char *url, struct buf *faults)
{
	/* A path is appended to it. */
	if (url && (!url_is_service(url) || strchr(url, '?')))
		buf_printf(faults,
		           "%s: must be the http:// or https:// URL of a collector,"
		           " without user and password\n",
		           name);
}

/* OTEL_EXPORTER_OTLP_ENDPOINT is a base URL, to which v1/traces is appended; the endpoint for
 * traces is used as it is. */
static void
set_otlp_url(void *owner, struct settings *settings, struct buf *faults, struct buf *warnings)
{
	const char *base = settings->otlp_endpoint, *disabled = settings->otel_sdk_disabled;

	check_collector_url("OTEL_EXPORTER_OTLP_ENDPOINT", base, faults);
	check_collector_url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", settings->otlp_traces_endpoint,
	                    faults);
	if (settings->otlp_traces_endpoint)
		settings->otlp_url = settings->otlp_traces_endpoint;
	else if (base)
		settings->otlp_url = mem_printf(owner, "%s%sv1/traces", base,
		                                text_ends(base, "/") ? "" : "/");
	if (disabled && text_equal_nocase(disabled, "true"))
		settings->otlp_url = NULL;
	else if (disabled && !text_equal_nocase(disabled, "false"))
		buf_text(warnings, "OTEL_SDK_DISABLED: must be true or false; ignored\n");
}

/* Returns "name=value" as an HTTP header "name: value", or NULL if it is malformed. The value is
 * percent-encoded: OpenTelemetry uses the format of W3C Baggage. */
static const char *
make_header(void *owner, const char *item, size_t size)
{
	const char *equals = memchr(item, '=', size);
	size_t name = equals ? (size_t)(equals - item) : 0, got;
	char *value = mem_resize(owner, NULL, size + 1);

	for (size_t i = 0; i < name; i++)
		if (!text_is_alnum(item[i]) && !strchr("-_.", item[i]))
			return NULL;
	if (name == 0
	    || percent_decode(equals + 1, size - name - 1, false, value, &got) != PERCENT_OK)
		return NULL;
	for (size_t i = 0; i < got; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 127)
			return NULL;
	log_secret(value);
	return mem_printf(owner, "%.*s: %s", (int)name, item, value);
}

static void
set_otlp_headers(void *owner, struct settings *settings, struct buf *faults)
{
	const char *at = settings->otlp_headers;
	size_t size, count = 0;

	for (; (size = text_next_item(&at)) > 0; at += size) {
		const char *header = count < OTLP_HEADERS_MAX ? make_header(owner, at, size) : NULL;

		if (!header) {
			buf_printf(faults,
			           "OTEL_EXPORTER_OTLP_HEADERS: must be a comma-separated list of"
			           " at most %d name=value pairs, with %%20 for a space\n",
			           OTLP_HEADERS_MAX);
			return;
		}
		settings->otlp_header[count++] = header;
	}
}

/* --- the resource --- */

/* Trims and percent-decodes a text. Returns NULL if it is not valid. */
static const char *
decode_text(void *owner, const char *text, size_t size)
{
	char *out = mem_resize(owner, NULL, size + 1);
	size_t got;

	while (size > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		size--;
	}
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	return percent_decode(text, size, false, out, &got) == PERCENT_OK
	               && utf8_valid(out, got, NULL)
	           ? out
	           : NULL;
}

/* The last value of a repeated key wins. */
static bool
add_attribute(struct settings *settings, const char *key, const char *value)
{
	size_t i = 0;

	while (i < settings->otel_attribute_count
	       && strcmp(settings->otel_attribute[i].key, key) != 0)
		i++;
	if (i == OTEL_ATTRIBUTES_MAX)
		return false;
	settings->otel_attribute[i] = (struct otel_attribute){ key, value };
	if (i == settings->otel_attribute_count)
		settings->otel_attribute_count++;
	return true;
}

static bool
read_attributes(void *owner, struct settings *settings)
{
	const char *at = settings->otel_resource_attributes;

	while (at && *at) {
		size_t size = strcspn(at, ",");
		const char *equals = memchr(at, '=', size), *key, *value;

		if (size > strspn(at, " \t")) {
			key = equals ? decode_text(owner, at, (size_t)(equals - at)) : NULL;
			value = key ? decode_text(owner, equals + 1,
			                          size - (size_t)(equals + 1 - at))
			            : NULL;
			if (!value || !*key || !add_attribute(settings, key, value))
				return false;
		}
		at += size + (at[size] == ',');
	}
	return true;
}

/* For service.name, OTEL_SERVICE_NAME wins over OTEL_RESOURCE_ATTRIBUTES, which wins over APP_NAME.
 */
static void
set_resource(void *owner, struct settings *settings, struct buf *warnings)
{
	(void)add_attribute(settings, "service.name", settings->app_name);
	(void)add_attribute(settings, "service.version", NP_VERSION);
	(void)add_attribute(settings, "deployment.environment.name",
	                    environment_names[settings->env]);
	if (!read_attributes(owner, settings)) {
		/* The specification discards the whole value on any error. */
		settings->otel_attribute_count = 0;
		settings->otel_resource_attributes = NULL;
		buf_printf(warnings,
		           "OTEL_RESOURCE_ATTRIBUTES: must be a comma-separated list of at most %d"
		           " percent-encoded name=value pairs; ignored\n",
		           OTEL_ATTRIBUTES_MAX - 3);
		set_resource(owner, settings, warnings);
	} else if (settings->otel_service_name) {
		(void)add_attribute(settings, "service.name", settings->otel_service_name);
	}
}

/* --- the sampler --- */

static bool
read_probability(const char *text, double *probability)
{
	double number;

	if (!text || !parse_float(text, &number) || number < 0 || number > 1)
		return false;
	*probability = number;
	return true;
}

static void
set_sampler(struct settings *settings, struct buf *warnings)
{
	static const struct {
		const char *name;
		bool parent_based, by_argument;
		double probability;
	} samplers[] = {
		{ "parentbased_always_on", true, false, 1 },   { "always_on", false, false, 1 },
		{ "parentbased_always_off", true, false, 0 },  { "always_off", false, false, 0 },
		{ "parentbased_traceidratio", true, true, 1 }, { "traceidratio", false, true, 1 },
	};
	const char *wanted = settings->otel_traces_sampler,
	           *argument = settings->otel_traces_sampler_arg;
	size_t i = 0;

	while (wanted && i < COUNT_OF(samplers) && !text_equal_nocase(samplers[i].name, wanted))
		i++;
	if (i == COUNT_OF(samplers)) {
		buf_printf(warnings, "OTEL_TRACES_SAMPLER: is not supported; %s is used\n",
		           samplers[0].name);
		i = 0;
	}
	settings->otel_sampler.parent_based = samplers[i].parent_based;
	settings->otel_sampler.probability = samplers[i].probability;
	if (samplers[i].by_argument && argument
	    && !read_probability(argument, &settings->otel_sampler.probability))
		buf_text(warnings,
		         "OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1; 1 is used\n");
}

void
settings_check_otel(void *owner, struct settings *settings, struct buf *faults,
                    struct buf *warnings)
{
	set_otlp_url(owner, settings, faults, warnings);
	set_otlp_headers(owner, settings, faults);
	set_resource(owner, settings, warnings);
	set_sampler(settings, warnings);
}
