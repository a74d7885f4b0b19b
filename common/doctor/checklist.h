/* checklist.h - what a doctor says: a line a check, for people or for programs */
#ifndef NULLPOOL_DOCTOR_CHECKLIST_H
#define NULLPOOL_DOCTOR_CHECKLIST_H

#include "base/attributes.h"
#include "base/buf.h"

struct checklist {
	void *scope;
	bool json;
	struct buf out;
	size_t told;
	const char *first; /* check to be mended, or NULL */
};

void checklist_init(struct checklist *findings, void *scope, bool json);

/* A tick or a cross, the check's name (borrowed), a figure, and advice (NULL: there is none).
 * Returns `good`. The figure may quote the server: only its first line counts, secrets are hidden
 * as in the log, and no control byte gets to a terminal. */
bool checklist_tell(struct checklist *findings, bool good, const char *check, const char *advice,
                    const char *format, ...) NP_PRINTF(5, 6);

/* To standard output, with what is to be mended first. */
void checklist_print(struct checklist *findings);

#endif
