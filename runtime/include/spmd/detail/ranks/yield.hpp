#pragma once

#include <spmd/detail/ranks/arrival.hpp>

#include <coroutine>
#include <cstddef>
#include <source_location>

namespace spmd::detail {

/// Awaitable of `me.yield()`.
class [[nodiscard("co_await it")]] yield_awaitable {
public:
    yield_awaitable(communicator& peers, std::size_t id, const std::source_location& where) noexcept
        : peers_(&peers), id_(id), where_(where) {}

    bool await_ready() const {
        rank_worker::running(*peers_, id_).record().throw_if_failed();
        return false;
    }
    void await_suspend(std::coroutine_handle<> rank) const {
        rank_worker& here = rank_worker::here();
        wait_record& record = here.record();
        record.yield(where_);
        record.continue_at(rank);
        here.wake(here.rank()); // it may run on another thread before this returns
    }
    void await_resume() const { rank_worker::running(*peers_, id_); }
    /// As co_await, in a rank on a fiber. Throws: std::logic_error elsewhere.
    void get() { get_on_fiber(*this); }

private:
    communicator* peers_;
    std::size_t id_;
    std::source_location where_;
};
template <>
inline constexpr bool is_rank_awaitable<yield_awaitable> = true;

} // namespace spmd::detail
