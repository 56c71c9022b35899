#pragma once

#include <spmd_sum/request.hpp>

#include <common/progress_line.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace spmd_sum {

/// Progress of the sums, for a progress line. follow() counts the files and their sizes itself, concurrently
/// with the hashing, so that the hashing does not wait for the totals.
/// Thread safety: add_bytes() and add_file() may be called on any thread, also while follow() runs.
class sum_progress {
public:
    /// Requires: `wanted` outlives the object.
    explicit sum_progress(const request& wanted) : wanted_(&wanted) {}

    void add_bytes(std::size_t bytes) noexcept { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
    void add_file() noexcept { files_.fetch_add(1, std::memory_order_relaxed); }

    /// Counts the files, and draws the line until a stop is requested or the program is interrupted, which
    /// closes the line.
    /// Blocks: until then.
    void follow(const std::stop_token& stop, const std::atomic<bool>& interrupted, apps::progress_line& line);

private:
    using drawing = std::function<void()>;

    void count_operand(const std::string& operand, const std::stop_token& stop, const drawing& draw);
    void count_manifest(const std::string& manifest, const std::stop_token& stop, const drawing& draw);
    void count_file(const std::string& path);
    std::vector<std::string> parts() const;

    const request* wanted_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::uint64_t all_bytes_ = 0;
    std::uint64_t all_files_ = 0;
    bool all_known_ = false;
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> files_{0};
};

} // namespace spmd_sum
