#pragma once

#include <cstddef>

/// The body that every way of launching runs: as little as a call can be, and out of the compiler's sight, so
/// that no loop is turned into something else.
[[gnu::noinline]] inline int empty_body(std::size_t id) {
    asm volatile("" : "+r"(id));
    return static_cast<int>(id);
}
