/* doctor.h - `<program> --doctor`: checks everything that a request needs, in order
 *
 * Each check prints a line with a tick or a cross, a figure, and advice where there is some. When
 * the connection to the database fails, what comes after it cannot be checked and is left out.
 */
#ifndef NULLPOOL_DOCTOR_DOCTOR_H
#define NULLPOOL_DOCTOR_DOCTOR_H

#include "app/app.h"

struct doctor_options {
	const char *name; /* of the program */
	const struct route_table *routes;
	const struct settings *settings; /* complete if there are no errors */
	const char *setting_errors;      /* a line each; NULL: none */
	bool json;
};

/* Prints to standard output. Returns true if all checks passed. */
bool doctor_run(const struct doctor_options *options);

#endif
