#pragma once

/// Which sanitizer a source is compiled for, and its interface.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPMD_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define SPMD_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SPMD_ADDRESS_SANITIZER
#elif defined(__SANITIZE_THREAD__)
#define SPMD_THREAD_SANITIZER
#endif

#if defined(SPMD_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(SPMD_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif
