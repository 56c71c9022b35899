#include <spmd/graph_run.hpp>

#include "graph/graph_flow.hpp"
#include "graph/run_record.hpp"
#include "launch/on_thread.hpp"

#include <spmd/detail/launch/job.hpp>

#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace spmd {

graph_run::~graph_run() {
    if (record_ == nullptr || ready()) return;
    cancel();
    wait();
}

void graph_run::get() {
    wait();
    if (const auto ended = std::exchange(record_, nullptr); ended->failure != nullptr)
        std::rethrow_exception(ended->failure);
}

void graph_run::wait() {
    if (ready()) return;
    record_->flow->join();
    wait_until(std::chrono::steady_clock::time_point::max());
}

bool graph_run::wait_until(std::chrono::steady_clock::time_point deadline) {
    detail::run_record& run = required();
    bool ended = false;
    detail::on_thread([&] {
        std::unique_lock lock(run.mutex);
        ended = run.has_ended.wait_until(lock, deadline, [&] { return run.ended; });
    });
    if (ended) return true;
    if (!detail::job::inside()) return false;
    wait();
    return true;
}

bool graph_run::ready() const {
    detail::run_record& run = required();
    const std::lock_guard lock(run.mutex);
    return run.ended;
}

void graph_run::cancel() {
    detail::run_record& run = required();
    const std::lock_guard lock(run.mutex); // keeps the run from ending, and its flow alive
    if (!run.ended) run.flow->cancel();
}

detail::run_record& graph_run::required() const {
    if (record_ == nullptr)
        throw std::logic_error("graph_run is empty: it was moved from, or get() has consumed it");
    return *record_;
}

} // namespace spmd
