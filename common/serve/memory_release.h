/* memory_release.h - memory that is not needed any more is given back */
#ifndef NULLPOOL_SERVE_MEMORY_RELEASE_H
#define NULLPOOL_SERVE_MEMORY_RELEASE_H

/* Lets go of the pages of programs and libraries that are as they are in their files: those that
 * loading and relocating touched stay in the process otherwise, twice as much as a master ever
 * uses. What is used again is mapped again from the page cache, 16 pages a fault. */
void release_clean_pages(void);

/* Gives the kernel what is free in the heap, if it is much: glibc keeps it otherwise, up to 64 MiB
 * at its end, and all that is below something still in use. */
void release_free_heap(void);

#endif
