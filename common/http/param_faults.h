/* param_faults.h - the broken rules of a request, for the "errors" of its 422 */
#ifndef NULLPOOL_HTTP_PARAM_FAULTS_H
#define NULLPOOL_HTTP_PARAM_FAULTS_H

#include "base/attributes.h"
#include "base/error.h"

#define PARAM_FAULTS_MAX 32

struct param_faults {
	struct np_fault items[PARAM_FAULTS_MAX];
	size_t count;
};

/* Adds a fault; drops it if there are PARAM_FAULTS_MAX already. The texts are borrowed. */
void param_faults_add(struct param_faults *faults, enum np_in in, const char *name,
                      const char *message);

/* Fills err with FAILURE_INVALID and the number of faults. Returns false. */
bool param_faults_error(const struct param_faults *faults, struct error *err);

#endif
