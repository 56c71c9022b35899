#include <spmd/detail/views/chunk.hpp>

#include <stdexcept>

namespace spmd::detail {

std::size_t chunk_of(const run_options& options) {
    if (!options.chunk) return any_chunk;
    if (*options.chunk == 0) throw std::invalid_argument("a chunk of a map has at least one item, not 0");
    return *options.chunk;
}

} // namespace spmd::detail
