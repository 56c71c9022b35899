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

/// One run of a task graph, in flight. Dropped before its end, it requests a stop and waits. After its end it
/// may outlive the graph.
class [[nodiscard]] graph_run {
public:
    graph_run(graph_run&&) noexcept = default;
    graph_run& operator=(graph_run&&) = delete;
    ~graph_run();

    /// Waits for the end, and leaves the graph_run empty. Blocks: until the run has ended; joins the work.
    /// Throws: as task_graph::run().
    void get();
    /// Blocks: until the run has ended; joins the work.
    void wait();
    /// True when the run has ended within the time. Called within a task, it waits for the end even when the
    /// time has elapsed, since no other thread may be left to run it.
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> time) {
        return wait_until(detail::deadline_in(time));
    }
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
