#pragma once

#include <checksum/file_hasher.hpp>
#include <checksum/file_list.hpp>
#include <spmd/trace_recorder.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace checksum {

/// Files between a listing and an output.
struct file_batch {
    const algorithm* digest_algorithm = nullptr; ///< outlives the consumption of the batch
    std::vector<file_range> ranges;
    std::vector<std::vector<file_sum>> sums; ///< for each range and name; sums already done are kept
    std::vector<std::string> remarks;        ///< messages of the listing, to print before these files
};

/// Recommended number of files in a range, and of ranges in a batch.
inline constexpr std::size_t files_in_range = 64;
inline constexpr std::size_t ranges_in_batch = 64;

/// Default number of ranks for each thread: they balance files of different sizes.
inline constexpr std::size_t ranks_per_thread = 16;

/// Options for sum_files().
struct sum_options {
    file_work work = file_work::sum;
    /// Ranks that share the files of a batch, at most as many as there are files; 0: ranks_per_thread.
    std::size_t ranks = 0;
    /// Threads that run the ranks, fewer if the limit on open files is low; 0: all that this process may use.
    std::size_t threads = 0;
    std::function<void(std::size_t bytes)> on_read{}; ///< called with the bytes of each read, on any thread
    std::function<void()> on_file{};                  ///< called after each file, on any thread
    std::optional<spmd::trace_recorder> trace{};
};

/// Computes the digests of files batch by batch, as a stream through a task graph: list → hash → finish →
/// write.
///
/// `next` fills an empty batch with the next files and their algorithm, and returns false at the end; it is
/// called ahead of the hashing, on any thread, never concurrently. `consume` receives each batch with its
/// sums in the order of the listing, on any thread, never concurrently. The calling thread works alone for
/// the first 5 ms; a pool is constructed only for longer work. Once `stop` is true, ranks stop at the next
/// file or block; batches whose sums are not done are consumed as well.
/// Memory: a few batches, and for each thread a buffer of 4 MiB and a chunk of 64 KiB for each open large
/// file.
/// Throws: exceptions of `next` and `consume`, after which no later batch is consumed.
void sum_files(const std::function<bool(file_batch&)>& next, const sum_options& options,
               const std::atomic<bool>& stop, const std::function<void(file_batch&)>& consume);

} // namespace checksum
