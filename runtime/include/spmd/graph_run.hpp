#pragma once

#include <spmd/detail/base/clock.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace spmd {

class task_graph;

namespace detail {
struct run_record;
} // namespace detail

/// One run of a task graph, in flight. Destroying it before the run has ended requests a stop and waits. It
/// may outlive the graph once the run has ended.
class [[nodiscard]] graph_run {
public:
    graph_run(graph_run&&) noexcept = default;
    graph_run& operator=(graph_run&&) = delete;
    ~graph_run();

    /// Waits for the end, and leaves the graph_run empty. Blocks: until the run has ended; the calling thread
    /// takes part.
    /// Throws: as task_graph::run().
    void get();
    /// Blocks: until the run has ended; the calling thread takes part.
    void wait();
    /// Returns true if the run ends within the time. Called within a task, it waits for the end even when the
    /// time has elapsed, since no other thread may be left to run it.
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> time) {
        return wait_until(detail::deadline_in(time));
    }
    /// True if the run has ended.
    bool ready() const;
    /// Requests a stop: stages that have not started never will; broadcasts and maps are cancelled.
    void cancel();

private:
    friend class task_graph;
    explicit graph_run(std::shared_ptr<detail::run_record> record) noexcept : record_(std::move(record)) {}
    detail::run_record& required() const;
    bool wait_until(std::chrono::steady_clock::time_point deadline);

    std::shared_ptr<detail::run_record> record_;
};

} // namespace spmd
