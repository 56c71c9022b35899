#pragma once

#include "spmd_bench/options/names.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace spmd_bench {

enum class workload_kind {
    files,  ///< an item is the MD5 of a file
    memory, ///< the MD5 of the same bytes in memory
    spin,   ///< work that takes the same time for every item
    mixed,  ///< work that takes longer from item to item
    empty,  ///< nothing
};

template <>
inline constexpr std::array names<workload_kind>{
    named{"files", workload_kind::files}, named{"memory", workload_kind::memory},
    named{"spin", workload_kind::spin}, named{"mixed", workload_kind::mixed},
    named{"empty", workload_kind::empty}};

/// Its items have a size.
constexpr bool has_bytes(workload_kind kind) noexcept {
    return kind == workload_kind::files || kind == workload_kind::memory;
}
/// Its items take the time of --item-cost.
constexpr bool has_cost(workload_kind kind) noexcept {
    return kind == workload_kind::spin || kind == workload_kind::mixed;
}

struct workload_options {
    workload_kind kind = workload_kind::files;
    std::size_t items = 500;
    std::uint64_t file_size = 1024; ///< of generated files and messages
    std::string input = {};         ///< a directory of files; empty: they are generated
    std::chrono::nanoseconds item_cost = std::chrono::microseconds(1); ///< of spin, the mean of mixed
    double skew = 1;                                                   ///< of mixed
    std::uint64_t seed = 1;
};

} // namespace spmd_bench
