/* Counts and fails the allocations of a test program (linked with --wrap for malloc, calloc,
 * realloc and mmap). */
#ifndef TESTS_MQTT_COUNTED_H
#define TESTS_MQTT_COUNTED_H

#include <stdbool.h>
#include <stdint.h>

/* counted_begin counts from now on, in all threads but the calling one. */
void counted_begin(void);
uint64_t counted_elsewhere(void);

/* counted_fail makes the nth allocation from now on fail, once; 0: none. */
void counted_fail(uint64_t nth);
bool counted_failed(void); /* whether it was reached */

#endif
