#pragma once

/// Stands before functions in headers that read a thread_local. A rank on a fiber may call them before and
/// after it moves to another thread; in between, compilers may keep the address of a thread_local where it is
/// not an offset from a register, as it is in programs for x86-64.
#if defined(__x86_64__) && (!defined(__PIC__) || defined(__PIE__))
#define SPMD_READS_THREAD_LOCAL
#else
#define SPMD_READS_THREAD_LOCAL [[gnu::noinline]]
#endif
