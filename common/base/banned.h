/* banned.h - functions of libc that are easy to misuse and therefore do not compile here
 *
 * Each comment names what to use instead. Every file includes this header through attributes.h. The
 * system headers that declare the functions are included first, since their declarations would
 * not compile after the macros.
 */
#ifndef NULLPOOL_BASE_BANNED_H
#define NULLPOOL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name) name##_is_banned_see_banned_h

/* Unbounded: buf_add(), mem_printf(). */
#undef strcpy
#define strcpy(a, b) BANNED(strcpy)
#undef strcat
#define strcat(a, b) BANNED(strcat)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)

/* Truncates silently, or without a NUL: mem_strndup(). */
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

/* Failures cannot be detected: parse_int() and parse_float() in text.h. */
#undef atoi
#define atoi(s) BANNED(atoi)
#undef atol
#define atol(s) BANNED(atol)
#undef atof
#define atof(s) BANNED(atof)

#endif
