#include "http/param_faults.h"
#include "http/param_row.h"

void
param_faults_add(struct param_faults *faults, enum np_in in, const char *name, const char *message)
{
	if (faults->count < PARAM_FAULTS_MAX)
		faults->items[faults->count++] = (struct np_fault){ param_places[in], name,
			                                            message };
}

bool
param_faults_error(const struct param_faults *faults, struct error *err)
{
	return error_set(err, FAILURE_INVALID, "%zu value%s invalid", faults->count,
	                 faults->count == 1 ? " is" : "s are");
}
