#include "andon/kernel.h"

#include "test.h"

TEST(every_kernel_is_found_by_its_name)
{
    for (int i = 0; i < ANDON_KERNELS; i++) {
        enum andon_kernel found = ANDON_KERNELS;
        CHECK(andon_kernel_named(andon_kernel_name((enum andon_kernel)i), &found));
        CHECK((int)found == i);
    }
}

TEST(another_name_is_no_kernel_and_changes_nothing)
{
    static const char *const names[] = {"", "AVX2", "avx", "avx22", "plain ", "sse2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum andon_kernel found = ANDON_KERNEL_NEON;
        CHECK_SAY(!andon_kernel_named(names[i], &found), "%s", names[i]);
        CHECK(found == ANDON_KERNEL_NEON);
    }
}

TEST(the_plain_kernel_is_always_there_and_the_best_one_is_usable)
{
    CHECK(andon_kernel_usable(ANDON_KERNEL_PLAIN));
    CHECK(andon_kernel_usable(andon_kernel_best()));
    for (int i = (int)andon_kernel_best() + 1; i < ANDON_KERNELS; i++)
        CHECK(!andon_kernel_usable((enum andon_kernel)i));
#if defined(__x86_64__)
    CHECK(!andon_kernel_usable(ANDON_KERNEL_NEON));
#elif defined(__aarch64__)
    CHECK(andon_kernel_best() == ANDON_KERNEL_NEON && !andon_kernel_usable(ANDON_KERNEL_AVX2));
#endif
}
