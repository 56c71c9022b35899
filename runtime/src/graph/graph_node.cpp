#include <spmd/detail/graph/graph_node.hpp>

#include <spmd/error.hpp>

#include <utility>

namespace spmd::detail {

void graph_node::reset() noexcept {
    started_ = false;
    finished_ = false;
    error_ = nullptr;
    forget();
}

void graph_node::set_trace(trace_log* log) {
    trace_ = log;
    if (log != nullptr) name_in_trace_ = log->number_of(name_);
}

bool graph_node::was_cancelled() const noexcept {
    if (error_ == nullptr) return false;
    try {
        std::rethrow_exception(error_);
    } catch (const cancelled_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

void graph_node::fail(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    if (was_cancelled())
        tally_.add_cancelled(1);
    else
        tally_.add_failures(1);
}

void graph_node::count_time() noexcept {
    const auto now = std::chrono::steady_clock::now();
    tally_.add_time(now - std::exchange(counted_until_, now));
}

void graph_node::run(const std::atomic<bool>& stop) noexcept {
    const job::task_mark running;
    for (graph_node* input : inputs_) {
        if (streams() && input->good()) continue; // waits for its input part by part
        input->finish();
        if (!input->good()) return;
    }
    if (stop.load()) return;
    started_ = true;
    counted_until_ = std::chrono::steady_clock::now();
    try {
        const trace_span span = works_in_start() ? traced() : trace_span();
        start();
    } catch (...) {
        fail(std::current_exception());
    }
    if (started_) tally_.add_runs(1);
    count_time();
    if (stop.load()) cancel(); // a stop requested while the stage was being started
}

void graph_node::finish() noexcept {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true) || !good()) return;
    try {
        collect();
    } catch (...) {
        fail(std::current_exception());
    }
}

} // namespace spmd::detail
