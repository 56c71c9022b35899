#pragma once

#include "spmd_bench/options/workload_options.hpp"

#include <checksum/digest.hpp>

#include <environment/temporary_directory.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace spmd_bench {

/// The results of a run by item index: digests, or numbers. Equal runs have equal results.
using results_view = std::variant<std::span<const checksum::md5>, std::span<const std::uint64_t>>;

/// Workloads have one shape: `items`, `run(item)`, the `bytes` of all items, and `serial`, the results of a
/// plain loop, which every way must reproduce. They are immutable; any number of threads may call `run` at
/// once.

/// The MD5 of files.
class file_workload {
public:
    using item = std::string; ///< a path
    using result = checksum::md5;

    /// Every regular file below `directory`, at any depth, sorted by the bytes of its path.
    /// Throws: std::system_error naming the path for what cannot be read.
    explicit file_workload(std::string directory);

    result run(const std::string& path) const { return checksum::md5_of_file(path); }
    /// Opens a file, reads it to its end and closes it. Returns the number of bytes. Throws: as `run`.
    std::uint64_t read(const std::string& path) const;
    /// Lists the directory anew. Throws: as the constructor.
    std::vector<std::string> list() const;

    std::span<const std::string> items() const noexcept { return paths_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::span<const checksum::md5> serial() const noexcept { return digests_; }
    /// The results of `read` by item index.
    std::span<const std::uint64_t> lengths() const noexcept { return lengths_; }

private:
    std::string directory_;
    std::vector<std::string> paths_;
    std::vector<std::uint64_t> lengths_;
    std::vector<checksum::md5> digests_;
    std::uint64_t bytes_ = 0;
};

/// The MD5 of messages in memory.
class memory_workload {
public:
    using item = std::string;
    using result = checksum::md5;

    explicit memory_workload(std::vector<std::string> messages);

    result run(const std::string& message) const { return checksum::md5_of(message); }

    std::span<const std::string> items() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::span<const checksum::md5> serial() const noexcept { return digests_; }

private:
    std::vector<std::string> messages_;
    std::vector<checksum::md5> digests_;
    std::uint64_t bytes_ = 0;
};

/// A chain of hashes: work whose time is proportional to `rounds`, with a result that depends on the
/// arguments alone.
std::uint64_t hash_chain(std::uint64_t hash, std::uint64_t rounds) noexcept;

/// The number of rounds that take this time on an idle core. A round is measured once per process, so that
/// costs compare, and so that a thread that is preempted while it spins still has its work to do.
std::uint64_t rounds_that_take(double nanoseconds);

/// Hash chains that begin with the item's index and take equally long on an idle core.
class spin_workload {
public:
    using item = std::uint64_t;
    using result = std::uint64_t;

    spin_workload(std::size_t items, std::chrono::nanoseconds cost);

    result run(std::uint64_t index) const noexcept { return hash_chain(index, rounds_); }
    /// The length of each chain.
    std::uint64_t rounds() const noexcept { return rounds_; }

    std::span<const std::uint64_t> items() const noexcept { return indices_; }
    std::uint64_t bytes() const noexcept { return 0; }
    std::span<const std::uint64_t> serial() const noexcept { return hashes_; }

private:
    std::uint64_t rounds_;
    std::vector<std::uint64_t> indices_;
    std::vector<std::uint64_t> hashes_;
};

/// Hash chains of uneven lengths: item i of n costs (skew + 1) ((i + 1/2) / n)^skew times the mean. A skew of
/// 0 is even, a skew of 1 is a triangle.
class mixed_workload {
public:
    struct item {
        std::uint64_t index;
        std::uint64_t rounds;
    };
    using result = std::uint64_t;

    mixed_workload(std::size_t items, std::chrono::nanoseconds mean_cost, double skew);

    result run(const item& each) const noexcept { return hash_chain(each.index, each.rounds); }

    std::span<const item> items() const noexcept { return items_; }
    std::uint64_t bytes() const noexcept { return 0; }
    std::span<const std::uint64_t> serial() const noexcept { return hashes_; }

private:
    std::vector<item> items_;
    std::vector<std::uint64_t> hashes_;
};

/// Items whose result is their index, to measure the cost of launching and collecting alone.
class empty_workload {
public:
    using item = std::uint64_t;
    using result = std::uint64_t;

    explicit empty_workload(std::size_t items);

    result run(std::uint64_t index) const noexcept { return index; }

    std::span<const std::uint64_t> items() const noexcept { return indices_; }
    std::uint64_t bytes() const noexcept { return 0; }
    std::span<const std::uint64_t> serial() const noexcept { return indices_; }

private:
    std::vector<std::uint64_t> indices_;
};

/// Runs some items of a workload in a plain loop; results in their order.
template <class Work, class Items>
std::vector<typename Work::result> results_of(const Work& work, const Items& items) {
    std::vector<typename Work::result> results;
    results.reserve(items.size());
    for (const auto& item : items) results.push_back(work.run(item));
    return results;
}

using workload = std::variant<file_workload, memory_workload, spin_workload, mixed_workload, empty_workload>;

/// Generates or reads a workload; generated files are in `scratch`. Equal seeds give equal bytes.
/// Throws: as the workloads, and as temporary_directory.
workload make_workload(const workload_options& options, temporary_directory& scratch);

/// The workload in words: "MD5 of 500 files, 500 KiB in all, random bytes, seed 1".
std::string description(const workload_options& options, const workload& work);

/// The common part of all workloads of a sweep, in words: "MD5 of files, random bytes, seed 1".
std::string common_description(const workload_options& options);

} // namespace spmd_bench
