#pragma once

#include <spmd/detail/ranks/joint_wait.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/partition.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace spmd::detail {

class rank_scheduler;
class wait_graph;

/// Resolves halts of a scheduler, in which no rank can run and not all have ended: finds the ranks whose wait
/// cannot end, and fails it, so that they can run again. In a deadlock these are all ranks, which get the
/// report.
///
/// Thread safety: but for ran(), for the thread that brought the scheduler to a halt.
class quiescence {
public:
    quiescence(const rank_scheduler& ranks, std::span<wait_record> records);
    quiescence(const quiescence&) = delete;
    quiescence& operator=(const quiescence&) = delete;
    ~quiescence();

    /// Fails waits that cannot end. Returns the ranks that can run now: at least one, unless deadlines may
    /// end waits.
    std::vector<std::size_t> resolve(bool deadlines_may_end);
    /// Notes that ranks ran since the last halt. Thread safety: may be called by all threads at the same
    /// time.
    void ran(index_range ranks);

private:
    template <class Ranks>
    std::vector<std::size_t> fail_doomed(const Ranks& ranks);
    std::vector<std::size_t> fail_all(std::exception_ptr failure);
    /// Fails a rank's wait with the last failure; of a joint wait all operations, or those that are doomed.
    void fail(std::size_t rank, joint_wait::extent of_joint);
    std::exception_ptr cause_for(std::size_t rank) const;
    std::string operation_of(std::size_t rank) const;
    std::exception_ptr deadlock() const;

    const rank_scheduler& ranks_;
    std::span<wait_record> records_;
    std::deque<std::exception_ptr> failures_; // records refer to them
    std::unique_ptr<wait_graph> wait_graph_;  // since waits failed
};

} // namespace spmd::detail
