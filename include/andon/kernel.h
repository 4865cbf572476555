/* Which instruction set the hot loops use. Chosen by the caller and passed down, so that a replay
 * can pin the kernel that the stored scores were made with. Within one kernel, a row scores the same
 * bits alone and in any batch; kernels agree with one another within 1e-6. */
#ifndef ANDON_KERNEL_H
#define ANDON_KERNEL_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum andon_kernel {
    ANDON_KERNEL_PLAIN = 0, /* portable C; the reference       */
    ANDON_KERNEL_AVX2,      /* x86-64 with AVX2 and FMA        */
    ANDON_KERNEL_AVX512,    /* x86-64 with AVX-512 F, BW, DQ, VL */
    ANDON_KERNEL_NEON       /* ARMv8 Advanced SIMD             */
};
#define ANDON_KERNELS 4

/* The fastest kernel that this processor and this build have. */
enum andon_kernel andon_kernel_best(void);

bool andon_kernel_usable(enum andon_kernel kernel);

/* "plain", "avx2", "avx512", "neon". */
const char *andon_kernel_name(enum andon_kernel kernel);

/* andon_kernel_named finds a kernel by its name; false when there is none of that name. */
bool andon_kernel_named(const char *name, enum andon_kernel *kernel);

#ifdef __cplusplus
}
#endif
#endif
