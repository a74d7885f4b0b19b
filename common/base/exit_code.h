/* exit_code.h - the exit codes of this tree's programs, with the numbers of sysexits.h */
#ifndef NULLPOOL_BASE_EXIT_CODE_H
#define NULLPOOL_BASE_EXIT_CODE_H

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,       /* the command ran, and its result is a failure */
	EXIT_USAGE = 64,       /* wrong arguments */
	EXIT_UNAVAILABLE = 69, /* something the process needs is missing; a retry does not help */
	EXIT_INTERNAL = 70,    /* a fault of ours, or no memory */
	EXIT_SETTINGS = 78     /* the settings are wrong */
};

#endif
