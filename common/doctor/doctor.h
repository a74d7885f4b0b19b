/* doctor.h - `<program> --doctor`: each thing that a request needs, asked for in order, with what
 * to do about it
 *
 * A line a check: a tick or a cross, a figure, and advice where there is some. What comes after a
 * cross on the way to the database cannot be asked, and is left out.
 */
#ifndef NULLPOOL_DOCTOR_DOCTOR_H
#define NULLPOOL_DOCTOR_DOCTOR_H

#include "app/app.h"

struct doctor_options {
	const char *name; /* of the program */
	const struct np_route *routes;
	const struct settings *settings; /* whole, unless there are: */
	const char *faults;              /* NULL, or a line each */
	bool json;
};

/* Prints to standard output. True: nothing is to be mended. */
bool doctor_run(const struct doctor_options *options);

#endif
