/* Files in this folder are compiled once per instruction set, with ANDON_KERNEL_SUFFIX naming it:
 * KERNEL(dense_row) is dense_row_avx2 in one object and dense_row_plain in another. Plain arrays and
 * lengths in, plain arrays out; the callers one folder up choose by enum andon_kernel. */
#ifndef DETECT_KERNEL_KERNEL_H
#define DETECT_KERNEL_KERNEL_H

#define KERNEL_JOIN_(a, b) a##_##b
#define KERNEL_JOIN(a, b) KERNEL_JOIN_(a, b)
#define KERNEL(name) KERNEL_JOIN(name, ANDON_KERNEL_SUFFIX)

/* KERNEL_EACH(DECLARE) declares one function per instruction set of this build. */
#if defined(__x86_64__)
#define KERNEL_EACH(declare) declare(plain) declare(avx2) declare(avx512)
#elif defined(__aarch64__)
#define KERNEL_EACH(declare) declare(plain) declare(neon)
#else
#define KERNEL_EACH(declare) declare(plain)
#endif

/* Fused where the instruction set has it, so that a lane of a batch and a lone row round alike. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define KERNEL_FMA(a, b, c) __builtin_fmaf((a), (b), (c))
#else
#define KERNEL_FMA(a, b, c) ((a) * (b) + (c))
#endif

#endif
