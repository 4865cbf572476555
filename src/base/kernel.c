#include "andon/kernel.h"

#include <string.h>

static const char names[ANDON_KERNELS][8] = {"plain", "avx2", "avx512", "neon"};

const char *andon_kernel_name(enum andon_kernel kernel)
{
    return names[kernel];
}

bool andon_kernel_named(const char *name, enum andon_kernel *kernel)
{
    for (int i = 0; i < ANDON_KERNELS; i++) {
        if (strcmp(name, names[i]) == 0) {
            *kernel = (enum andon_kernel)i;
            return true;
        }
    }
    return false;
}

bool andon_kernel_usable(enum andon_kernel kernel)
{
    switch (kernel) {
    case ANDON_KERNEL_PLAIN: return true;
#if defined(__x86_64__)
    case ANDON_KERNEL_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case ANDON_KERNEL_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case ANDON_KERNEL_NEON: return false;
#elif defined(__aarch64__)
    case ANDON_KERNEL_NEON: return true;
    case ANDON_KERNEL_AVX2:
    case ANDON_KERNEL_AVX512: return false;
#else
    default: return false;
#endif
    }
    return false;
}

enum andon_kernel andon_kernel_best(void)
{
    for (int i = ANDON_KERNELS - 1; i > 0; i--)
        if (andon_kernel_usable((enum andon_kernel)i)) return (enum andon_kernel)i;
    return ANDON_KERNEL_PLAIN;
}
