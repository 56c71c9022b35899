#pragma once

namespace spmd::detail {

/// Pinning of worker threads. A pinned worker stays so, also asleep, until it works for a pool that does not
/// pin: it is then woken on its own CPU, and not on the caller's while another is idle.
class worker_affinity {
public:
    /// Pins the calling thread to one of the CPUs that it may use: a different one for each worker, and not
    /// `avoided` if there are others. Where pinning is forbidden the thread stays unpinned.
    static void pin(int avoided);
    /// Lets the calling thread use all its CPUs again.
    static void unpin();
};

} // namespace spmd::detail
