#pragma once

#include <checksum/algorithm.hpp>
#include <checksum/descriptor.hpp>
#include <checksum/file_list.hpp>
#include <checksum/md5_lanes.hpp>

#include <sys/stat.h>
#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace checksum {

/// Faults of files that are not errors of the system.
enum class file_fault {
    changed = 1, ///< size, times or inode changed during reading
    no_file = 2, ///< a regular file when it was listed, something else when it was opened
};
/// Makes a file_fault an error code of a category "file".
[[nodiscard]] std::error_code make_error_code(file_fault fault) noexcept;

/// The digest of a file, or the reason why there is none.
struct file_sum {
    digest_bytes digest{};
    std::error_code error{}; ///< zero if there is a digest
    bool is_done = false;
};

/// Work to do on each file.
enum class file_work {
    sum,  ///< compute the digest
    read, ///< read only, leaving the digest empty: for measurements of reading alone
};

/// Options for constructing a file_hasher.
struct hasher_options {
    file_work work = file_work::sum;
    /// Called with the number of bytes of each read, on the reading thread.
    std::function<void(std::size_t bytes)> on_read{};
    /// Called after each file, readable or not.
    std::function<void()> on_file{};
    /// Once true, nothing more is read, and sums that are not done stay so; null: never.
    const std::atomic<bool>* stop = nullptr;
};

/// Regular files above a size, collected by file_hasher::add() instead of being hashed.
struct large_files {
    struct file {
        const file_range* range = nullptr;
        std::size_t index = 0; ///< in the range
        file_sum* sum = nullptr;
        std::uint64_t size = 0; ///< st_size, in bytes
    };
    /// Larger files than this are collected, in bytes; values below file_hasher::first_read count as that.
    std::uint64_t beyond = 0;
    std::vector<file> files{};
};

/// Reads and hashes files. MD5 hashes files together, each in a lane of its own: small files once a batch is
/// full, large files in chunks, as many at a time as there are lanes. Other algorithms hash one file after
/// the other. A sum is done after its lane has run, at the latest in finish().
///
/// A file that changes during reading is an error. One fstat(2) after the first read proves that it did not
/// change if the file system stamps times from this machine's clock and the file's times are before the
/// beginning of the read; otherwise the file is read again between two calls of fstat(2), whose size, times
/// and inode must agree. The end of a file is where read(2) returns 0, regardless of st_size. Pipes are
/// awaited until a stop.
/// Thread safety: one thread at a time, not necessarily the same one.
class file_hasher {
public:
    /// Bytes of the first read from a file. Shorter files are small.
    static constexpr std::size_t first_read = std::size_t{128} << 10;

    explicit file_hasher(hasher_options options);
    file_hasher(const file_hasher&) = delete;
    file_hasher& operator=(const file_hasher&) = delete;
    ~file_hasher();

    /// Upper bound on large files open at the same time; clamped to 1 … number of lanes.
    void set_most_open(std::size_t files) noexcept;
    /// Reads the files whose sums are not done. `sums` belong to the names from index `first` on. Files that
    /// `left` collects are added there, and their sums stay not done.
    /// Requires: `sums` and `digest_algorithm` outlive finish().
    /// Blocks: on the files. Throws: std::bad_alloc, digest_error; a file's own error is stored in its sum.
    void add(const file_range& files, std::size_t first, std::span<file_sum> sums,
             const algorithm& digest_algorithm, large_files* left = nullptr);
    /// Reads an open file from its current offset to its end, at once. Throws: as above.
    void add(descriptor file, file_sum& sum, const algorithm& digest_algorithm);
    /// Completes all sums, unless a stop is requested.
    /// Blocks: on large files. Throws: as above.
    void finish();

private:
    struct message;
    struct large_file;

    void read_file(int directory, const file_range& files, std::size_t index, file_sum& sum);
    void add_small(std::span<std::byte> content, file_sum& sum);
    void begin_large(large_file large, std::span<const std::byte> first);
    /// Reads and hashes until at most `most` large files are left.
    void hash_large_files(std::size_t most);
    /// Hashes the small files, and the chunks of large files in memory.
    void hash_pending();
    /// Hashes an open file with OpenSSL, from its current offset to its end. `first` was read before;
    /// `is_all`: it reached the end.
    void hash_stream(large_file& from, std::span<const std::byte> first, bool is_all);
    digest_stream& stream_for(const algorithm& digest_algorithm);
    bool read_chunk(large_file& from);
    void end_large(const large_file& ended, const digest_bytes& digest);
    bool is_settled(int file, const struct stat& status) const noexcept;
    void fail(file_sum& sum, std::error_code error) const;
    bool is_stopped() const noexcept {
        return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
    }
    void report_read(std::size_t bytes) const {
        if (options_.on_read) options_.on_read(bytes);
    }
    void report_file() const {
        if (options_.on_file) options_.on_file();
    }

    hasher_options options_;
    std::size_t most_open_;
    const algorithm* algorithm_ = nullptr; // of the files that are being added
    std::optional<digest_stream> stream_;
    timespec range_begin_{};            // on the clock that stamps files' times
    large_files* left_ = nullptr;       // collects large files for the caller
    std::optional<bool> has_our_clock_; // of the range's file system; empty: determined for each file
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t used_ = 0;
    std::vector<message> messages_;
    std::vector<md5_run> runs_;
    std::vector<md5_state> states_;
    std::vector<large_file> large_;
};

} // namespace checksum

template <>
struct std::is_error_code_enum<checksum::file_fault> : std::true_type {};
