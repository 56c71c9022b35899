#pragma once

#include <spmd/async_result.hpp>

#include <cstddef>
#include <memory>

namespace spmd {

/// A file descriptor that is readable from when a watched result becomes ready until take() is called: for an
/// event loop (poll, epoll) that waits for results and for other things at once.
///
///     spmd::ready_event ready;
///     ready.watch(sums);                       // an async_result
///     loop.when_readable(ready.fd(), [&] { if (ready.take() > 0) show(sums.get()); });
///
/// Thread safety: all members may be called at the same time.
class ready_event {
public:
    /// Throws: std::system_error if the process has too many open files.
    ready_event();
    /// Copies count together.
    ready_event(const ready_event&) = default;
    ready_event& operator=(const ready_event&) = default;
    ~ready_event() = default;

    /// Counts the result once it is ready; at once if it is. The result may be taken, moved or dropped.
    template <class T>
    void watch(const async_result<T>& result) const {
        result.on_ready([counter = counter_] { signal(*counter); });
    }
    /// Never closed before this object, and all that it watches, have ended. (eventfd)
    int fd() const noexcept;
    /// Returns how many results have become ready since the last call. Never blocks.
    std::size_t take() const noexcept;

private:
    class counter;
    static void signal(const counter& to) noexcept;

    std::shared_ptr<const counter> counter_;
};

} // namespace spmd
