/* memory_release.h - gives memory that is no longer needed back to the kernel */
#ifndef NULLPOOL_SERVE_MEMORY_RELEASE_H
#define NULLPOOL_SERVE_MEMORY_RELEASE_H

/* Releases the pages of programs and libraries that are unchanged from their files. Loading and
 * relocating touched them, and they would stay in the process: twice as much as a master ever uses.
 * A page that is used again is mapped again from the page cache, 16 pages a fault. */
void release_clean_pages(void);

/* Releases what is free in the heap, if it is much. glibc would keep it: up to 64 MiB at its end,
 * and everything below a block that is still in use. */
void release_free_heap(void);

#endif
