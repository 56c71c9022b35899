#include <checksum/file_hasher.hpp>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

/// A batch is hashed when it reaches this many messages or bytes: small messages then fit the L2 cache, and
/// long ones fill the lanes.
constexpr std::size_t messages_at_once = 128;
constexpr std::size_t bytes_at_once = std::size_t{4} << 20;
constexpr std::size_t buffer_size = bytes_at_once + file_hasher::first_read + md5_message::padding_room;
/// Bytes of each later read from a large file.
constexpr std::size_t chunk_size = std::size_t{64} << 10;
static_assert(chunk_size % md5_block_size == 0 && file_hasher::first_read % md5_block_size == 0);

class file_fault_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "file"; }
    std::string message(int fault) const override {
        return fault == static_cast<int>(file_fault::changed) ? "file changed while it was read"
                                                              : "is no longer a regular file";
    }
};

std::error_code system_error(int error) noexcept { return {error, std::generic_category()}; }

/// Result of read_all(): bytes read, and an errno that is zero if the buffer is full or the file at its end.
struct read_result {
    std::size_t size = 0;
    int error = 0;
};

/// Reads until the buffer is full or the file at its end. Without `waits`, returns EAGAIN where the file has
/// no data yet; with it, waits for data, and returns ECANCELED once `*stop` is true.
read_result read_all(int file, std::byte* to, std::size_t size, const std::atomic<bool>* stop, bool waits) {
    std::size_t done = 0;
    while (done < size) {
        if (waits && !wait_for_input(file, stop)) return {done, ECANCELED};
        const ssize_t count = ::read(file, to + done, size - done);
        if (count < 0 && (errno == EINTR || (waits && errno == EAGAIN))) continue;
        if (count < 0) return {done, errno};
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return {done, 0};
}

/// Returns true if the file system of an open file stamps times from this machine's clock, not from a
/// server's.
/// server's.
bool has_our_clock(int file) noexcept {
    struct statfs status{};
    if (::fstatfs(file, &status) != 0) return false;
    constexpr unsigned long zfs = 0x2fc12fc1; // not in any header
    switch (static_cast<unsigned long>(status.f_type)) {
        case BTRFS_SUPER_MAGIC:
        case EXT4_SUPER_MAGIC: // as for ext2 and ext3
        case F2FS_SUPER_MAGIC:
        case OVERLAYFS_SUPER_MAGIC:
        case RAMFS_MAGIC:
        case TMPFS_MAGIC:
        case XFS_SUPER_MAGIC:
        case zfs: return true;
        default: return false;
    }
}

/// Opens a directory; number -1 on failure, whose reason each of its files will report.
descriptor open_if_possible(const std::string& directory) {
    if (directory.empty()) return descriptor{-1};
    try {
        return open_path(directory, O_PATH | O_DIRECTORY);
    } catch (const std::system_error&) {
        return descriptor{-1};
    }
}

bool is_before(const timespec& left, const timespec& right) noexcept {
    return left.tv_sec != right.tv_sec ? left.tv_sec < right.tv_sec : left.tv_nsec < right.tv_nsec;
}

bool are_equal(const timespec& left, const timespec& right) noexcept {
    return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

bool is_unchanged(const struct stat& before, const struct stat& after) noexcept {
    return before.st_size == after.st_size && before.st_ino == after.st_ino &&
           before.st_dev == after.st_dev && are_equal(before.st_mtim, after.st_mtim) &&
           are_equal(before.st_ctim, after.st_ctim);
}

} // namespace

std::error_code make_error_code(file_fault fault) noexcept {
    static const file_fault_category category;
    return {static_cast<int>(fault), category};
}

/// A small file in the buffer.
struct file_hasher::message {
    std::byte* bytes = nullptr;
    std::size_t size = 0;
    file_sum* sum = nullptr;
};

/// A large file between two chunks.
struct file_hasher::large_file {
    descriptor file;
    file_sum* sum = nullptr;
    const algorithm* digest_algorithm = nullptr;
    struct stat before{};
    md5_state state = md5_begin;
    std::uint64_t size = 0;             // bytes read so far
    const std::byte* bytes = nullptr;   // read and not hashed yet
    std::size_t blocks = 0;             // in `bytes`
    std::unique_ptr<std::byte[]> chunk; // null before the second read; with room to pad
    bool is_last = false;               // the chunk holds the padded end of the file
};

file_hasher::file_hasher(hasher_options options)
    : options_(std::move(options)), most_open_(md5_lanes()),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(buffer_size)) {
    messages_.reserve(messages_at_once);
}

file_hasher::~file_hasher() = default;

void file_hasher::set_most_open(std::size_t files) noexcept {
    most_open_ = std::clamp<std::size_t>(files, 1, md5_lanes());
}

void file_hasher::add(const file_range& files, std::size_t first, std::span<file_sum> sums,
                      const algorithm& digest_algorithm, large_files* left) {
    ::clock_gettime(CLOCK_REALTIME_COARSE, &range_begin_);
    algorithm_ = &digest_algorithm;
    left_ = left;
    const descriptor directory = open_if_possible(files.directory);
    has_our_clock_.reset();
    if (directory.number() >= 0) has_our_clock_ = has_our_clock(directory.number());
    for (std::size_t i = 0; i < sums.size() && !is_stopped(); ++i)
        if (!sums[i].is_done) read_file(directory.number(), files, first + i, sums[i]);
}

void file_hasher::add(descriptor file, file_sum& sum, const algorithm& digest_algorithm) {
    large_file whole{
        .file = std::move(file), .sum = &sum, .digest_algorithm = &digest_algorithm, .chunk = {}};
    if (::fstat(whole.file.number(), &whole.before) != 0) return fail(sum, system_error(errno));
    hash_stream(whole, {}, false);
}

void file_hasher::read_file(int directory, const file_range& files, std::size_t index, file_sum& sum) {
    const std::string& name = files.names[index];
    // O_NONBLOCK: a FIFO that has replaced the file must not make open wait for a writer.
    const int flags = O_RDONLY | O_NONBLOCK | (files.may_be_links ? 0 : O_NOFOLLOW);
    large_file opened{.file = descriptor{-1}, .sum = &sum, .digest_algorithm = algorithm_, .chunk = {}};
    try {
        opened.file =
            directory >= 0 ? open_at(directory, name, flags) : open_path(files.directory + name, flags);
    } catch (const std::system_error& error) {
        return fail(sum, error.code());
    }
    if (used_ > bytes_at_once || messages_.size() == messages_at_once) hash_pending();
    const int file = opened.file.number();
    std::byte* const bytes = &buffer_[used_];
    const read_result read = read_all(file, bytes, first_read, options_.stop, false);
    if (read.error != 0 && read.error != EAGAIN) return fail(sum, system_error(read.error));
    const bool is_small = read.error == 0 && read.size > 0 && read.size < first_read;
    if (is_small && options_.work == file_work::read) return add_small({bytes, read.size}, sum);
    struct stat& status = opened.before;
    if (::fstat(file, &status) != 0) return fail(sum, system_error(errno));
    if (!S_ISREG(status.st_mode)) {
        if (!files.may_be_links) return fail(sum, file_fault::no_file);
        // Data from a pipe cannot be read again. An empty read may mean that the pipe has no writer yet.
        return hash_stream(opened, {bytes, read.size}, is_small);
    }
    const bool was_settled = is_settled(file, status);
    if (read.size < first_read && was_settled) return add_small({bytes, read.size}, sum);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (left_ != nullptr && size > left_->beyond && read.size == first_read)
        return left_->files.push_back({.range = &files, .index = index, .sum = &sum, .size = size});
    if (was_settled) return begin_large(std::move(opened), {bytes, read.size});
    // Some files of FUSE cannot seek.
    if (::lseek(file, 0, SEEK_SET) != 0)
        return errno == ESPIPE ? hash_stream(opened, {bytes, read.size}, read.size < first_read)
                               : fail(sum, system_error(errno));
    begin_large(std::move(opened), {});
}

/// Returns true if an open file with this status has not changed since the range was begun, so that earlier
/// reads are valid.
bool file_hasher::is_settled(int file, const struct stat& status) const noexcept {
    timespec changed = status.st_ctim;
    constexpr int coarsest = 2; // seconds, FAT's resolution
    if (changed.tv_nsec == 0) changed.tv_sec += coarsest;
    return is_before(changed, range_begin_) && (has_our_clock_ ? *has_our_clock_ : has_our_clock(file));
}

void file_hasher::add_small(std::span<std::byte> content, file_sum& sum) {
    report_read(content.size());
    if (options_.work == file_work::sum && algorithm_->is_md5()) {
        messages_.push_back({content.data(), content.size(), &sum});
        // One cache line more than the padding needs, so that files of equal size do not map to the same
        // cache sets.
        constexpr std::size_t line = 64;
        used_ += (content.size() + md5_message::padding_room + 2 * line - 1) / line * line;
    } else {
        if (options_.work == file_work::sum) {
            digest_stream& stream = stream_for(*algorithm_);
            stream.update(content);
            sum.digest = stream.finish();
        }
        sum.is_done = true;
    }
    report_file();
}

digest_stream& file_hasher::stream_for(const algorithm& digest_algorithm) {
    if (!stream_ || !(stream_->digest_algorithm() == digest_algorithm)) stream_.emplace(digest_algorithm);
    stream_->restart();
    return *stream_;
}

/// `first` holds whole blocks, or is empty.
void file_hasher::begin_large(large_file large, std::span<const std::byte> first) {
    if (!algorithm_->is_md5()) return hash_stream(large, first, false);
    report_read(first.size());
    large.size = first.size();
    large.bytes = first.data();
    large.blocks = first.size() / md5_block_size;
    used_ += first.size();
    large_.push_back(std::move(large));
    if (large_.size() >= most_open_) hash_large_files(most_open_ - 1);
}

void file_hasher::fail(file_sum& sum, std::error_code error) const {
    report_file();
    sum.error = error;
    sum.is_done = true;
}

void file_hasher::hash_pending() {
    states_.assign(messages_.size(), md5_begin);
    runs_.clear();
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        const message& each = messages_[i];
        const std::size_t padded = each.size + md5_pad(each.bytes + each.size, each.size);
        runs_.push_back({&states_[i], each.bytes, padded / md5_block_size});
    }
    for (large_file& each : large_) {
        if (options_.work == file_work::sum) runs_.push_back({&each.state, each.bytes, each.blocks});
        each.blocks = 0;
    }
    md5_advance(runs_);
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        messages_[i].sum->digest = md5_digest(states_[i]);
        messages_[i].sum->is_done = true;
    }
    messages_.clear();
    used_ = 0;
    std::erase_if(large_, [&](const large_file& each) {
        if (each.is_last) end_large(each, md5_digest(each.state));
        return each.is_last;
    });
}

void file_hasher::hash_large_files(std::size_t most) {
    while (large_.size() > most && !is_stopped()) {
        std::erase_if(large_, [&](large_file& each) { return each.blocks == 0 && !read_chunk(each); });
        hash_pending();
    }
}

/// False on failure.
bool file_hasher::read_chunk(large_file& from) {
    if (from.chunk == nullptr)
        from.chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size + md5_message::padding_room);
    const read_result read = read_all(from.file.number(), from.chunk.get(), chunk_size, options_.stop, false);
    if (read.error != 0) {
        fail(*from.sum, system_error(read.error));
        return false;
    }
    report_read(read.size);
    from.size += read.size;
    from.is_last = read.size < chunk_size;
    const std::size_t padding = from.is_last ? md5_pad(&from.chunk[read.size], from.size) : 0;
    from.bytes = from.chunk.get();
    from.blocks = (read.size + padding) / md5_block_size;
    return true;
}

void file_hasher::end_large(const large_file& ended, const digest_bytes& digest) {
    struct stat after{};
    if (::fstat(ended.file.number(), &after) != 0) return fail(*ended.sum, system_error(errno));
    if (S_ISREG(after.st_mode) && !is_unchanged(ended.before, after))
        return fail(*ended.sum, file_fault::changed);
    if (options_.work == file_work::sum) ended.sum->digest = digest;
    ended.sum->is_done = true;
    report_file();
}

void file_hasher::hash_stream(large_file& from, std::span<const std::byte> first, bool is_all) {
    digest_stream* const stream =
        options_.work == file_work::sum ? &stream_for(*from.digest_algorithm) : nullptr;
    if (stream != nullptr) stream->update(first);
    report_read(first.size());
    const bool waits = !S_ISREG(from.before.st_mode);
    std::uint64_t reported = from.size; // read before, and read again here
    const auto chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size);
    // A short read is the end: reading a terminal again would wait for a second end of input.
    while (!is_all) {
        if (is_stopped()) return;
        const read_result read = read_all(from.file.number(), chunk.get(), chunk_size, options_.stop, waits);
        if (read.error == ECANCELED) return;
        if (read.error != 0) return fail(*from.sum, system_error(read.error));
        if (stream != nullptr) stream->update({chunk.get(), read.size});
        const std::uint64_t known = std::min<std::uint64_t>(reported, read.size);
        reported -= known;
        report_read(read.size - known);
        is_all = read.size < chunk_size;
    }
    end_large(from, stream != nullptr ? stream->finish() : digest_bytes{});
}

void file_hasher::finish() {
    const bool is_alone = large_.size() == 1 && large_[0].chunk == nullptr;
    if (is_alone && options_.work == file_work::sum) {
        // A single lane is slower than OpenSSL.
        large_file alone = std::move(large_[0]);
        large_.clear();
        if (::lseek(alone.file.number(), 0, SEEK_SET) != 0)
            fail(*alone.sum, system_error(errno));
        else
            hash_stream(alone, {}, false);
    }
    hash_large_files(0);
    hash_pending();
    large_.clear(); // left by a stop
}

} // namespace checksum
