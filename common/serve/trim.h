/* trim.h - what only the start needed is given back */
#ifndef NULLPOOL_SERVE_TRIM_H
#define NULLPOOL_SERVE_TRIM_H

/* Lets go of the pages of programs and libraries that are as they are in their files: those that loading and relocating
 * touched stay in the process otherwise, twice as much as a master ever uses. What is used again is mapped again from
 * the page cache, 16 pages a fault. */
void trim_pages(void);

#endif
