#include <spmd/detail/results/concat_parts.hpp>

#include <algorithm>

namespace spmd::detail {

void touch_pages(launcher& launch, std::byte* begin, std::size_t size) {
    constexpr std::size_t page = 4096;
    const std::size_t pieces = (size + copied_at_once_bytes - 1) / copied_at_once_bytes;
    run_loop(launch, pieces, [&](std::size_t i) {
        const std::size_t end = std::min((i + 1) * copied_at_once_bytes, size);
        for (std::size_t offset = i * copied_at_once_bytes; offset < end; offset += page)
            *static_cast<volatile std::byte*>(begin + offset) = std::byte{0};
    });
}

} // namespace spmd::detail
