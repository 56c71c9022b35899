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

/// What can be wrong with a file besides what the system says.
enum class file_fault {
    changed = 1, ///< its size, its times or its inode, while it was read
    no_file = 2, ///< it was a regular file when it was listed, and is something else
};
[[nodiscard]] std::error_code make_error_code(file_fault fault) noexcept;

/// A file's digest, or why there is none.
struct file_sum {
    digest_bytes digest{};
    std::error_code error{}; ///< zero where there is a digest
    bool is_done = false;
};

/// What is done with the files that are read.
enum class file_work {
    sum,  ///< their digests
    read, ///< nothing: their digests stay empty. For measuring what reading alone takes
};

struct hasher_options {
    file_work work = file_work::sum;
    std::function<void(std::size_t bytes)> on_read{}; ///< told of all that is read, on the thread that reads
    std::function<void()> on_file{}; ///< told of each file that is over, whether it could be read or not
    const std::atomic<bool>* stop =
        nullptr; ///< once it is true nothing more is read: sums that are not done stay so
};

/// Regular files that are not summed where they are met, since they are large.
struct large_files {
    struct file {
        const file_range* range = nullptr;
        std::size_t index = 0; ///< in the range
        file_sum* sum = nullptr;
        std::uint64_t size = 0; ///< as the system says
    };
    std::uint64_t beyond = 0; ///< this size, and not below file_hasher::first_read
    std::vector<file> files{};
};

/// Reads files and hashes them: by MD5 together, each in a lane of its own, small ones once their batch is full, large ones
/// in chunks, as many at a time as there are lanes; by other algorithms one after the other. A file's sum is done when its
/// lane had its turn, at the latest in finish().
///
/// A file that has changed while it was read is an error. One look after the first read is enough to know that it has not
/// where the file system takes its times from this machine's clock, and the file's are from before the reading began; else the
/// file is read again, with a look before it and one after it, at its size, its times and its inode. The end of a file is where
/// read(2) says so. What a pipe gives is waited for, but not beyond a stop.
/// Thread safety: one thread at a time; it need not always be the same one.
class file_hasher {
public:
    /// What is read of a file at first, in bytes.
    static constexpr std::size_t first_read = std::size_t{128} << 10;

    explicit file_hasher(hasher_options options);
    file_hasher(const file_hasher&) = delete;
    file_hasher& operator=(const file_hasher&) = delete;
    ~file_hasher();

    /// How many large files it may keep open at the same time; at least 1, never more than there are lanes.
    void set_most_open(std::size_t files) noexcept;
    /// Reads the files whose sums are not done. `sums`: of the names from `first` on; they stay where they are until
    /// finish(), and so does `by`. Those that `left` asks for are put there, and their sums stay not done.
    /// Blocks: on the files. Throws: std::bad_alloc, digest_error; what goes wrong with a file is in its sum.
    void add(const file_range& files, std::size_t first, std::span<file_sum> sums, const algorithm& by,
             large_files* left = nullptr);
    /// Reads at once what an open file still has to give. Throws: as above.
    void add(descriptor file, file_sum& sum, const algorithm& by);
    /// Makes all sums done, but where a stop was requested.
    void finish();

private:
    struct message;
    struct large_file;

    void read_file(int directory, const file_range& files, std::size_t index, file_sum& sum);
    void add_small(std::span<std::byte> content, file_sum& sum);
    void begin_large(large_file large, std::span<const std::byte> first);
    /// Until no more than so many are left.
    void hash_large_files(std::size_t most);
    /// The small files, and what there is of the large ones.
    void hash_what_was_read();
    /// From where it stands to its end, by OpenSSL. `first` was read before; `is_all`: to the end.
    void hash_stream(large_file& from, std::span<const std::byte> first, bool is_all);
    digest_stream& stream_by(const algorithm& by);
    bool read_chunk(large_file& from);
    void end_large(const large_file& ended, const digest_bytes& digest);
    bool is_settled(int file, const struct stat& status) const noexcept;
    void fail(file_sum& sum, std::error_code error) const;
    bool is_stopped() const noexcept {
        return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
    }
    void tell(std::size_t bytes) const {
        if (options_.on_read) options_.on_read(bytes);
    }
    void tell_end() const {
        if (options_.on_file) options_.on_file();
    }

    hasher_options options_;
    std::size_t most_open_;
    const algorithm* by_ = nullptr; // of the files that are being added
    std::optional<digest_stream> stream_;
    timespec range_begin_{};            // by the clock that files' times are taken from
    large_files* left_ = nullptr;       // where the caller wants large files to be put
    std::optional<bool> has_our_clock_; // the range's file system; nothing: each file is asked for its own
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
