#pragma once

#include <version>

// clang-tidy has the compiler's flags, but not its omp.h.
#if defined(_OPENMP) && __has_include(<omp.h>)
#define SPMD_BENCH_OPENMP 1
#endif

namespace spmd_bench {

#ifdef SPMD_BENCH_OPENMP
inline constexpr bool has_openmp = true;
#else
inline constexpr bool has_openmp = false;
#endif
#ifdef __cpp_lib_parallel_algorithm
inline constexpr bool has_parallel_algorithms = true;
#else
inline constexpr bool has_parallel_algorithms = false;
#endif

} // namespace spmd_bench
