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

/// A batch is hashed when it has so many messages or bytes: small messages then sit in the L2, long ones fill the lanes.
constexpr std::size_t messages_at_once = 128;
constexpr std::size_t bytes_at_once = std::size_t{4} << 20;
constexpr std::size_t buffer_size = bytes_at_once + file_hasher::first_read + md5_message::padding_room;
/// What is read of a large file at a time.
constexpr std::size_t chunk_size = std::size_t{64} << 10;
static_assert(chunk_size % md5_block_size == 0 && file_hasher::first_read % md5_block_size == 0);

class file_fault_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "file"; }
    std::string message(int fault) const override {
        return fault == static_cast<int>(file_fault::changed) ? "file changed while it was read"
                                                              : "is no regular file any more";
    }
};

std::error_code system_error(int error) noexcept { return {error, std::generic_category()}; }

/// Reads until the buffer is full, or the file at its end. Returns what it read; fewer bytes, and an error other than zero,
/// where it failed, where a wait was needed (EAGAIN), or where a stop was requested (ECANCELED).
struct read_result {
    std::size_t size = 0;
    int error = 0;
};
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

/// Whether the file system of an open file takes its times from this machine's clock, and not from a server's.
bool has_our_clock(int file) noexcept {
    struct statfs status{};
    if (::fstatfs(file, &status) != 0) return false;
    constexpr unsigned long zfs = 0x2fc12fc1; // is in no header
    switch (static_cast<unsigned long>(status.f_type)) {
        case BTRFS_SUPER_MAGIC:
        case EXT4_SUPER_MAGIC: // and ext2's and ext3's
        case F2FS_SUPER_MAGIC:
        case OVERLAYFS_SUPER_MAGIC:
        case RAMFS_MAGIC:
        case TMPFS_MAGIC:
        case XFS_SUPER_MAGIC:
        case zfs: return true;
        default: return false;
    }
}

/// Number -1 where it cannot be opened: each of its files will say why.
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

struct file_hasher::large_file {
    descriptor file;
    file_sum* sum = nullptr;
    const algorithm* by = nullptr;
    struct stat before{};
    md5_state state = md5_begin;
    std::uint64_t size = 0;             // what was read so far
    const std::byte* bytes = nullptr;   // what was read and not hashed yet
    std::size_t blocks = 0;             // of it
    std::unique_ptr<std::byte[]> chunk; // null until there is a second read; with room to pad
    bool is_last = false;               // the chunk has the file's end, padded
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
                      const algorithm& by, large_files* left) {
    ::clock_gettime(CLOCK_REALTIME_COARSE, &range_begin_);
    by_ = &by;
    left_ = left;
    const descriptor directory = open_if_possible(files.directory);
    has_our_clock_.reset();
    if (directory.number() >= 0) has_our_clock_ = has_our_clock(directory.number());
    for (std::size_t i = 0; i < sums.size() && !is_stopped(); ++i)
        if (!sums[i].is_done) read_file(directory.number(), files, first + i, sums[i]);
}

void file_hasher::add(descriptor file, file_sum& sum, const algorithm& by) {
    large_file whole{.file = std::move(file), .sum = &sum, .by = &by, .chunk = {}};
    if (::fstat(whole.file.number(), &whole.before) != 0) return fail(sum, system_error(errno));
    hash_stream(whole, {}, false);
}

void file_hasher::read_file(int directory, const file_range& files, std::size_t index, file_sum& sum) {
    const std::string& name = files.names[index];
    // What has taken a file's place must not make it wait: a FIFO for a writer.
    const int flags = O_RDONLY | O_NONBLOCK | (files.may_be_links ? 0 : O_NOFOLLOW);
    large_file opened{.file = descriptor{-1}, .sum = &sum, .by = by_, .chunk = {}};
    try {
        opened.file =
            directory >= 0 ? open_at(directory, name, flags) : open_path(files.directory + name, flags);
    } catch (const std::system_error& error) {
        return fail(sum, error.code());
    }
    if (used_ > bytes_at_once || messages_.size() == messages_at_once) hash_what_was_read();
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
        // What a pipe gave it does not give again. One that gave nothing may have had no writer yet.
        return hash_stream(opened, {bytes, read.size}, is_small);
    }
    const bool was_settled = is_settled(file, status);
    if (read.size < first_read && was_settled) return add_small({bytes, read.size}, sum);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (left_ != nullptr && size > left_->beyond && read.size == first_read)
        return left_->files.push_back({.range = &files, .index = index, .sum = &sum, .size = size});
    if (was_settled) return begin_large(std::move(opened), {bytes, read.size});
    // Some files of FUSE cannot be read again.
    if (::lseek(file, 0, SEEK_SET) != 0)
        return errno == ESPIPE ? hash_stream(opened, {bytes, read.size}, read.size < first_read)
                               : fail(sum, system_error(errno));
    begin_large(std::move(opened), {});
}

/// Whether what was read of an open file before it had this status is what it was when the range was begun.
bool file_hasher::is_settled(int file, const struct stat& status) const noexcept {
    timespec changed = status.st_ctim;
    constexpr int coarsest = 2; // seconds: FAT's; others' whole seconds are half of that
    if (changed.tv_nsec == 0) changed.tv_sec += coarsest;
    return is_before(changed, range_begin_) && (has_our_clock_ ? *has_our_clock_ : has_our_clock(file));
}

void file_hasher::add_small(std::span<std::byte> content, file_sum& sum) {
    tell(content.size());
    if (options_.work == file_work::sum && by_->is_md5()) {
        messages_.push_back({content.data(), content.size(), &sum});
        // A line more than the padding takes, so that files of one size do not fall on the same lines of a cache.
        constexpr std::size_t line = 64;
        used_ += (content.size() + md5_message::padding_room + 2 * line - 1) / line * line;
    } else {
        if (options_.work == file_work::sum) {
            digest_stream& stream = stream_by(*by_);
            stream.update(content);
            sum.digest = stream.finish();
        }
        sum.is_done = true;
    }
    tell_end();
}

digest_stream& file_hasher::stream_by(const algorithm& by) {
    if (!stream_ || !(stream_->by() == by)) stream_.emplace(by);
    stream_->restart();
    return *stream_;
}

/// `first`: whole blocks, or nothing.
void file_hasher::begin_large(large_file large, std::span<const std::byte> first) {
    if (!by_->is_md5()) return hash_stream(large, first, false);
    tell(first.size());
    large.size = first.size();
    large.bytes = first.data();
    large.blocks = first.size() / md5_block_size;
    used_ += first.size();
    large_.push_back(std::move(large));
    if (large_.size() >= most_open_) hash_large_files(most_open_ - 1);
}

void file_hasher::fail(file_sum& sum, std::error_code error) const {
    tell_end();
    sum.error = error;
    sum.is_done = true;
}

void file_hasher::hash_what_was_read() {
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
        hash_what_was_read();
    }
}

/// False where it failed.
bool file_hasher::read_chunk(large_file& from) {
    if (from.chunk == nullptr)
        from.chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size + md5_message::padding_room);
    const read_result read = read_all(from.file.number(), from.chunk.get(), chunk_size, options_.stop, false);
    if (read.error != 0) {
        fail(*from.sum, system_error(read.error));
        return false;
    }
    tell(read.size);
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
    tell_end();
}

void file_hasher::hash_stream(large_file& from, std::span<const std::byte> first, bool is_all) {
    digest_stream* const stream = options_.work == file_work::sum ? &stream_by(*from.by) : nullptr;
    if (stream != nullptr) stream->update(first);
    tell(first.size());
    const bool waits = !S_ISREG(from.before.st_mode);
    std::uint64_t told = from.size;
    const auto chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size);
    // The end is asked for once: to ask a terminal again would wait for a second one.
    while (!is_all) {
        if (is_stopped()) return;
        const read_result read = read_all(from.file.number(), chunk.get(), chunk_size, options_.stop, waits);
        if (read.error == ECANCELED) return;
        if (read.error != 0) return fail(*from.sum, system_error(read.error));
        if (stream != nullptr) stream->update({chunk.get(), read.size});
        const std::uint64_t known = std::min<std::uint64_t>(told, read.size);
        told -= known;
        tell(read.size - known);
        is_all = read.size < chunk_size;
    }
    end_large(from, stream != nullptr ? stream->finish() : digest_bytes{});
}

void file_hasher::finish() {
    const bool is_alone = large_.size() == 1 && large_[0].chunk == nullptr;
    if (is_alone && options_.work == file_work::sum) {
        // One lane alone is slower than OpenSSL.
        large_file alone = std::move(large_[0]);
        large_.clear();
        if (::lseek(alone.file.number(), 0, SEEK_SET) != 0)
            fail(*alone.sum, system_error(errno));
        else
            hash_stream(alone, {}, false);
    }
    hash_large_files(0);
    hash_what_was_read();
    large_.clear(); // those that a stop left
}

} // namespace checksum
