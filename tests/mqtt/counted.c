#include "counted.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

static _Atomic uint64_t elsewhere, left_to_fail;
static _Atomic bool failed;
static _Thread_local bool here;

void counted_begin(void)
{
    here = true;
    atomic_store(&elsewhere, 0);
}

uint64_t counted_elsewhere(void)
{
    return atomic_load(&elsewhere);
}

void counted_fail(uint64_t nth)
{
    atomic_store(&failed, false);
    atomic_store(&left_to_fail, nth);
}

bool counted_failed(void)
{
    return atomic_load(&failed);
}

static bool fails(void)
{
    if (!here) atomic_fetch_add(&elsewhere, 1);
    uint64_t left = atomic_load(&left_to_fail);
    if (left == 0) return false;
    atomic_store(&left_to_fail, left - 1);
    if (left == 1) atomic_store(&failed, true);
    return left == 1;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    return fails() ? NULL : __real_realloc(at, size);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails() ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}
