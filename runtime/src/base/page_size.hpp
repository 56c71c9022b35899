#pragma once

#include <unistd.h>

#include <cstddef>

namespace spmd::detail {

/// Bytes of a page of memory.
inline std::size_t page_size() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

} // namespace spmd::detail
