#pragma once

#include <spmd/detail/ranks/fiber.hpp>

#include <cstddef>

namespace spmd::detail {

/// Returns a stack of at least `size` bytes: often one that was used before. Pages are touched on use only.
/// Throws: std::bad_alloc.
fiber_stack acquire_stack(std::size_t size);
/// Returns the stack for use by others; some are kept, others unmapped.
void release_stack(const fiber_stack& stack) noexcept;

/// Bytes below a guarded stack that cannot be accessed.
std::size_t guard_of(const fiber_stack& stack) noexcept;

} // namespace spmd::detail
