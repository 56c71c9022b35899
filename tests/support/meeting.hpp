#pragma once

#include "pools.hpp"

#include <spmd/spmd.hpp>

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

/// The ranks of a test that meet: coroutines, or, with SPMD_TEST_ON_FIBERS, the same lines as plain functions
/// on fibers. To be included last, since it takes the keywords away then.

namespace test_support {

/// Upper bound on the ranks of a test on fibers: ThreadSanitizer's state of each takes about 5 MB, and
/// AddressSanitizer clears the shadow of whole stacks.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr std::size_t most_fibers = 100;
#else
inline constexpr std::size_t most_fibers = std::numeric_limits<std::size_t>::max();
#endif

#ifndef SPMD_TEST_ON_FIBERS

inline constexpr std::size_t most_ranks = std::numeric_limits<std::size_t>::max();
using spmd::task;
using meeting_pool = spmd::engine_pool;
using meeting_view = spmd::view;

/// Runs a helper of a rank.
#define AWAIT_HELPER(call) co_await call

#else

inline constexpr std::size_t most_ranks = most_fibers;
template <class T = void>
using task = T;

/// The ranks of a pool or a view, on fibers.
class meeting_view {
public:
    explicit(false) meeting_view(const spmd::view& ranks) : ranks_(ranks) {}
    std::size_t size() const { return ranks_.size(); }
    std::size_t threads() const { return ranks_.threads(); }
    const meeting_view& all() const { return *this; }
    meeting_view with(const spmd::run_options& options) const { return ranks_.with(options); }
    meeting_view on(std::initializer_list<std::size_t> ranks) const { return ranks_.on(ranks); }
    meeting_view on(const spmd::slice& ranks) const { return ranks_.on(ranks); }
    template <class Task, class... Args>
    auto broadcast(Task&& task, Args&&... args) const {
        return ranks_.broadcast(spmd::on_fibers(std::forward<Task>(task), {.stack_size = stack_size}),
                                std::forward<Args>(args)...);
    }
    template <class... Args>
    auto map(Args&&... args) const {
        return ranks_.map(std::forward<Args>(args)...);
    }

private:
#ifdef __SANITIZE_ADDRESS__
    static constexpr std::size_t stack_size = std::size_t{1} << 20; // frames are several times as large
#else
    static constexpr std::size_t stack_size = spmd::fiber_options().stack_size;
#endif
    spmd::view ranks_;
};
using meeting_pool = meeting_view;

struct waiting_here {};
/// Binds as co_await does, but for operators in front of it.
template <class Operation>
decltype(auto) operator->*(waiting_here, Operation&& operation) {
    return operation.get();
}

#define AWAIT_HELPER(call) call
#define co_await ::test_support::waiting_here{}->*
#define co_return return

#endif

/// Calls body(pool) for each launcher and number of ranks, but for more than a test may have.
template <class Body>
void for_each_size(const std::vector<std::size_t>& all, Body&& body) {
    for (const std::size_t ranks : all)
        if (ranks <= most_ranks) for_each_launcher(ranks, body);
}

} // namespace test_support
