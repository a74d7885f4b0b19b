/* exit_code.h - what a process of this tree ends with; the numbers of sysexits.h */
#ifndef NULLPOOL_BASE_EXIT_CODE_H
#define NULLPOOL_BASE_EXIT_CODE_H

enum exit_code {
	EXIT_DONE = 0,
	EXIT_SICK = 1,         /* what was asked for was done, and the answer is bad */
	EXIT_USAGE = 64,       /* wrong arguments */
	EXIT_UNAVAILABLE = 69, /* something that this process needs is missing: no use in a retry */
	EXIT_INTERNAL = 70,    /* our own fault, or no memory */
	EXIT_SETTINGS = 78     /* the settings are wrong */
};

#endif
