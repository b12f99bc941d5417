#ifndef LG_BASE_BANNED_H
#define LG_BASE_BANNED_H

/*
 * CMake includes this file before every C file under src/: a call of one of these functions does
 * not compile with gcc (clang refuses the attribute on what it holds for a builtin). scripts/lint
 * finds them by name too, also where the optimiser folds the call away.
 * What to use instead: lg_malloc and its family, struct lg_buf, lg_parse_*, lg_time_iso.
 */
#include <stddef.h>

#ifdef __clang__
#define LG_BANNED(decl, instead) extern decl
#else
#define LG_BANNED(decl, instead) extern decl __attribute__((error("banned, use " instead)))
#endif

struct tm;

LG_BANNED(char *strcpy(char *, const char *), "struct lg_buf or memcpy");
LG_BANNED(char *strncpy(char *, const char *, size_t), "struct lg_buf or memcpy");
LG_BANNED(char *strcat(char *, const char *), "struct lg_buf");
LG_BANNED(char *strncat(char *, const char *, size_t), "struct lg_buf");
LG_BANNED(char *strtok(char *, const char *), "lg_str_* splitting");
LG_BANNED(char *strtok_r(char *, const char *, char **), "lg_str_* splitting");
LG_BANNED(int sprintf(char *, const char *, ...), "snprintf or lg_buf_printf");
LG_BANNED(int asprintf(char **, const char *, ...), "lg_buf_printf");
LG_BANNED(int atoi(const char *), "lg_parse_i64");
LG_BANNED(long atol(const char *), "lg_parse_i64");
LG_BANNED(long long atoll(const char *), "lg_parse_i64");
LG_BANNED(double atof(const char *), "lg_parse_double");
LG_BANNED(long strtol(const char *, char **, int), "lg_parse_i64");
LG_BANNED(long long strtoll(const char *, char **, int), "lg_parse_i64");
LG_BANNED(unsigned long strtoul(const char *, char **, int), "lg_parse_u64");
LG_BANNED(unsigned long long strtoull(const char *, char **, int), "lg_parse_u64");
LG_BANNED(double strtod(const char *, char **), "lg_parse_double");
LG_BANNED(float strtof(const char *, char **), "lg_parse_double");
LG_BANNED(struct tm *localtime(const long *), "lg_time_iso");
LG_BANNED(struct tm *gmtime(const long *), "lg_time_iso");
LG_BANNED(char *ctime(const long *), "lg_time_iso");
LG_BANNED(char *asctime(const struct tm *), "lg_time_iso");
LG_BANNED(int rand(void), "an explicit, seeded generator");
LG_BANNED(long random(void), "an explicit, seeded generator");
LG_BANNED(char *tmpnam(char *), "mkstemp");
LG_BANNED(char *mktemp(char *), "mkstemp");
LG_BANNED(int system(const char *), "posix_spawn");

#ifndef LG_MAY_MALLOC
LG_BANNED(void *malloc(size_t), "lg_malloc");
LG_BANNED(void *calloc(size_t, size_t), "lg_calloc");
LG_BANNED(void *realloc(void *, size_t), "lg_realloc_array");
LG_BANNED(void *reallocarray(void *, size_t, size_t), "lg_realloc_array");
LG_BANNED(void *aligned_alloc(size_t, size_t), "lg_aligned_zalloc");
LG_BANNED(int posix_memalign(void **, size_t, size_t), "lg_aligned_zalloc");
LG_BANNED(void free(void *), "lg_free");
LG_BANNED(char *strdup(const char *), "lg_strndup");
LG_BANNED(char *strndup(const char *, size_t), "lg_strndup");
#endif

#endif
