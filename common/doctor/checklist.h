/* checklist.h - the results of --doctor: one line for each check, for people or as JSON */
#ifndef NULLPOOL_DOCTOR_CHECKLIST_H
#define NULLPOOL_DOCTOR_CHECKLIST_H

#include "base/attributes.h"
#include "base/buf.h"

struct checklist {
	void *scope;
	bool json;
	struct buf out;
	size_t count;
	const char *first_failed; /* the name of a check; NULL: all passed */
};

void checklist_init(struct checklist *checklist, void *scope, bool json);

/* Adds the result of a check: its name (borrowed), a figure, and advice (NULL: none). Returns
 * `passed`. The figure may quote the server: only its first line is shown, secrets are hidden as in
 * the log, and control bytes do not reach the terminal. */
bool checklist_add(struct checklist *checklist, bool passed, const char *name, const char *advice,
                   const char *format, ...) NP_PRINTF(5, 6);

/* Prints all results to standard output, and which failed check to fix first. */
void checklist_print(struct checklist *checklist);

#endif
