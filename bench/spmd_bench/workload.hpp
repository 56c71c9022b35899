#pragma once

#include "temporary_directory.hpp"

#include <checksum/digest.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace spmd_bench {

/// What an item of a run is: a file to hash, the same bytes in memory, so much time, less or more time, or nothing.
enum class workload_kind { files, memory, spin, mixed, empty };

struct workload_options {
    workload_kind kind = workload_kind::files;
    std::size_t items = 500;
    std::uint64_t file_size = 1024; ///< of files and messages that are made
    std::string input = {};         ///< a directory; empty: they are made
    std::chrono::nanoseconds item_cost = std::chrono::microseconds(1); ///< of a spin, the mean of mixed ones
    double skew = 1;                                                   ///< of mixed ones
    std::uint64_t seed = 1;
};

/// The results of a run by item index: digests, or numbers. Those of equal runs are equal.
using results_view = std::variant<std::span<const checksum::md5>, std::span<const std::uint64_t>>;

/// The workloads have the same shape: `items`, `run(item)`, the `bytes` of all items, and `serial`: the
/// results of a plain loop, which every way has to give. They are made once and then only looked at; `run` may
/// be called by any number of threads at once.

/// The MD5 of files.
class file_workload {
public:
    using item = std::string; ///< a path
    using result = checksum::md5;

    /// Every regular file below `directory`, at any depth, sorted by the bytes of its path.
    /// Throws: std::system_error naming the path for what cannot be read.
    explicit file_workload(std::string directory);

    result run(const std::string& path) const { return checksum::md5_of_file(path); }
    /// Opens a file, reads it to its end and closes it. Gives the number of bytes. Throws: as `run`.
    std::uint64_t read(const std::string& path) const;
    /// Lists the directory anew. Throws: as the constructor.
    std::vector<std::string> list() const;

    std::span<const std::string> items() const noexcept { return paths_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::span<const checksum::md5> serial() const noexcept { return digests_; }
    /// What `read` gives for each item.
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

/// A chain of hashes: work that takes a time in proportion to its length, and gives what depends on its start and its
/// length alone.
std::uint64_t hash_chain(std::uint64_t hash, std::uint64_t rounds) noexcept;

/// The rounds that take so long on an idle core. How long one takes is found by the clock once in the program's life,
/// so that costs compare, and that a thread that is put aside while it spins has its work still to do.
std::uint64_t rounds_that_take(double nanoseconds);

/// Hash chains that begin with the item's index and all take the same cost on an idle core.
class spin_workload {
public:
    using item = std::uint64_t;
    using result = std::uint64_t;

    spin_workload(std::size_t items, std::chrono::nanoseconds cost);

    result run(std::uint64_t index) const noexcept { return hash_chain(index, rounds_); }
    /// How long each chain is.
    std::uint64_t rounds() const noexcept { return rounds_; }

    std::span<const std::uint64_t> items() const noexcept { return indices_; }
    std::uint64_t bytes() const noexcept { return 0; }
    std::span<const std::uint64_t> serial() const noexcept { return hashes_; }

private:
    std::uint64_t rounds_;
    std::vector<std::uint64_t> indices_;
    std::vector<std::uint64_t> hashes_;
};

/// Hash chains of uneven lengths, as the rows of a triangle: item i of n costs (skew + 1) ((i + 1/2) / n)^skew times the
/// mean; a skew of 0 is even.
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

/// An item gives its own index: what is left is the cost of launching and collecting.
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

/// The results of some items of a workload, in their order.
template <class Work, class Items>
std::vector<typename Work::result> results_of(const Work& work, const Items& items) {
    std::vector<typename Work::result> results;
    results.reserve(items.size());
    for (const auto& item : items) results.push_back(work.run(item));
    return results;
}

using workload = std::variant<file_workload, memory_workload, spin_workload, mixed_workload, empty_workload>;

/// Makes what the options ask for; files that are made lie in `scratch`. The same seed gives the same bytes.
/// Throws: as the workloads, and as temporary_directory.
workload make_workload(const workload_options& options, temporary_directory& scratch);

/// The workload in words: "MD5 of 500 files, 500 KiB in all, random bytes, seed 1".
std::string description(const workload_options& options, const workload& made);

/// What all points of a sweep have in common, in words: "MD5 of files, random bytes, seed 1".
std::string common_description(const workload_options& options);

} // namespace spmd_bench
