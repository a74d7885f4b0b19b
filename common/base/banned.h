/* banned.h - names of libc that are easy to misuse do not compile here, and what to use instead.
 *
 * Every floor includes it through attributes.h. The system headers that declare the names come
 * first, or their own declarations would be what fails.
 */
#ifndef NULLPOOL_BASE_BANNED_H
#define NULLPOOL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name) name##_is_banned_see_banned_h

/* No bound: buf_add(), mem_printf(). */
#undef strcpy
#define strcpy(a, b) BANNED(strcpy)
#undef strcat
#define strcat(a, b) BANNED(strcat)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)

/* Cuts without a word, or without a NUL: mem_strndup(). */
#undef strncpy
#define strncpy(a, b, n) BANNED(strncpy)
#undef strncat
#define strncat(a, b, n) BANNED(strncat)

/* Hidden state: memchr() and friends; localtime_r(), gmtime_r(). */
#undef strtok
#define strtok(a, b) BANNED(strtok)
#undef localtime
#define localtime(t) BANNED(localtime)
#undef gmtime
#define gmtime(t) BANNED(gmtime)
#undef ctime
#define ctime(t) BANNED(ctime)

/* No way to see a failure: parse_int() and parse_float() in text.h. */
#undef atoi
#define atoi(s) BANNED(atoi)
#undef atol
#define atol(s) BANNED(atol)
#undef atof
#define atof(s) BANNED(atof)

#endif
