#pragma once

#include <cstddef>

/// The body for every way of launching: the least that a call can be, and opaque, so that the compiler cannot
/// transform the loop around it.
[[gnu::noinline]] inline int empty_body(std::size_t id) {
    asm volatile("" : "+r"(id));
    return static_cast<int>(id);
}
