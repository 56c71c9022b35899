#pragma once

#include <spmd/detail/launch/job.hpp>

#include <atomic>
#include <cstddef>

namespace spmd::detail {

/// A place where one idle worker lingers, so that jobs that follow each other closely find it awake: handing
/// one over takes 0.1 µs, waking a thread 20 to 50. (broadcast/)
class mailbox {
public:
    /// Hands the job, with a reference, to the worker that lingers here; returns false if none does.
    bool offer(job& work) noexcept;
    /// Opens the mailbox for the calling worker; returns false if another has it.
    bool open() noexcept;
    /// Waits for a job, and closes the mailbox. Returns null after costs::linger, when `closed` is set, or
    /// when workers are `called`, of whom this may be one.
    job_pointer<job> wait(const std::atomic<bool>& closed, const std::atomic<std::size_t>& called) noexcept;

private:
    /// Content that means "a worker waits"; no job has this address.
    job* waiting() noexcept { return reinterpret_cast<job*>(this); }

    std::atomic<job*> content_{nullptr};
    [[maybe_unused]] char apart_[64 - sizeof(std::atomic<job*>)] = {};
};

} // namespace spmd::detail
