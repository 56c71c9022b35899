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

/// Some files on their way from a listing to an output.
struct file_batch {
    const algorithm* by = nullptr; ///< stays where it is until the batch is consumed
    std::vector<file_range> ranges;
    std::vector<std::vector<file_sum>>
        sums;                         ///< of each range, of each name; those that are done already stay
    std::vector<std::string> remarks; ///< what the listing has to say before these files
};

/// How many files a listing best puts into one range, and how many ranges into a batch.
inline constexpr std::size_t files_in_range = 64;
inline constexpr std::size_t ranges_in_batch = 64;

struct sum_options {
    file_work work = file_work::sum;
    std::size_t ranks =
        0; ///< that share the files of a batch, of which each has one at least; 0: 16 a thread
    std::size_t threads =
        0; ///< that run them; 0: all that this process may use. Fewer where few files may be open
    std::function<void(std::size_t bytes)> on_read{}; ///< told of all that is read, on any thread
    std::function<void()> on_file{};                  ///< told of each file that was read, on any thread
    std::optional<spmd::trace_recorder> trace{};
};

/// The digests of files, batch by batch: a stream through a task graph, list → hash → finish → write.
///
/// `next` fills an empty batch with the next files and how to sum them, and gives false when there are none; it is called ahead, on any thread, by
/// one at a time. `consume` is given each batch with its sums, in the order in which they came, on any thread, by one at a
/// time. What is done within 5 ms is done by the calling thread alone; only for more is a pool made.
/// Once `stop` is true, ranks stop at the next file or block, and batches with sums that are not done are consumed too.
/// Memory: some batches, and for each thread a buffer of 4 MiB and one more for as many large files as there are lanes.
/// Throws: what `next` and `consume` throw; then later batches are not consumed.
void sum_files(const std::function<bool(file_batch&)>& next, const sum_options& options,
               const std::atomic<bool>& stop, const std::function<void(file_batch&)>& consume);

} // namespace checksum
