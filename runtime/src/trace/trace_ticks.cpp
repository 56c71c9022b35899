#include <spmd/detail/trace/trace_ticks.hpp>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace spmd::detail {

bool query_steady_ticks() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    constexpr unsigned advanced_power_management = 0x80000007;
    constexpr unsigned invariant_counter = 1U << 8U; // in edx: Intel's manual, volume 3, 18.17.1
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid(advanced_power_management, &eax, &ebx, &ecx, &edx) != 0 &&
           (edx & invariant_counter) != 0;
#else
    return false;
#endif
}

} // namespace spmd::detail
