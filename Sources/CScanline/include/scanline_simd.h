// Header-only SIMD operations on clang vector types, which Swift imports as SIMD16<Float>.
// They exist because the standard library's addingProduct may fall to 128-bit lanes; these lower to
// one fused instruction on whatever width the processor has.
#ifndef SCANLINE_SIMD_H
#define SCANLINE_SIMD_H

typedef float scanline_f32x16 __attribute__((ext_vector_type(16)));

/// How many scanline_f32x16 the registers of the processor hold that this is compiled for: AVX-512 has 32 of 16 floats,
/// AVX2 16 of 8, NEON 32 of 4.
#if defined(__AVX512F__)
#define SCANLINE_VECTOR_REGISTERS 32
#else
#define SCANLINE_VECTOR_REGISTERS 8
#endif

/// a * b + c, rounded once, in every lane.
static inline __attribute__((always_inline)) scanline_f32x16
scanline_fma(scanline_f32x16 a, scanline_f32x16 b, scanline_f32x16 c) {
  return __builtin_elementwise_fma(a, b, c);
}

/// a * b + c with the scalar b in every lane.
static inline __attribute__((always_inline)) scanline_f32x16
scanline_fma_scalar(scanline_f32x16 a, float b, scanline_f32x16 c) {
  return __builtin_elementwise_fma(a, (scanline_f32x16)b, c);
}

/// The larger of a and b in every lane.
static inline __attribute__((always_inline)) scanline_f32x16
scanline_max(scanline_f32x16 a, scanline_f32x16 b) {
  return __builtin_elementwise_max(a, b);
}

#endif
