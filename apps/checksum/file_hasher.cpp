#include <checksum/file_hasher.hpp>

#include <fcntl.h>
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

std::string message_of(const std::string& path, int error) {
    return path + ": " + std::generic_category().message(error);
}

/// Reads until the buffer is full or the file at its end. Returns what it read, or nothing with errno set.
/// `reads`: how many calls gave something.
std::optional<std::size_t> read_all(int file, std::byte* to, std::size_t size, std::size_t& reads) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = ::read(file, to + done, size - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::nullopt;
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
        ++reads;
    }
    return done;
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

/// A small file in the buffer.
struct file_hasher::message {
    std::byte* bytes = nullptr;
    std::size_t size = 0;
    file_sum* sum = nullptr;
};

struct file_hasher::large_file {
    descriptor file;
    std::string path;
    file_sum* sum = nullptr;
    md5_state state = md5_begin;
    std::uint64_t size = 0; // what was read so far
    struct stat before{};
    std::unique_ptr<std::byte[]> chunk; // with room to pad
    std::size_t blocks = 0;             // in the chunk
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

void file_hasher::add(const file_range& files, std::size_t first, std::span<file_sum> sums) {
    ::clock_gettime(CLOCK_REALTIME_COARSE, &range_begin_);
    const descriptor directory = open_if_possible(files.directory);
    for (std::size_t i = 0; i < sums.size() && !is_stopped(); ++i)
        if (!sums[i].is_done) read_file(directory.number(), files, first + i, sums[i]);
}

void file_hasher::read_file(int directory, const file_range& files, std::size_t index, file_sum& sum) {
    const std::string& name = files.names[index];
    const auto path = [&] { return files.directory + name; };
    const auto fail = [&](int error) {
        sum.error = message_of(path(), error);
        sum.is_done = true;
        tell_end();
    };
    descriptor file{-1};
    try {
        // What the listing saw was no symbolic link.
        file = directory >= 0 ? open_at(directory, name, O_RDONLY | O_NOFOLLOW)
                              : open_path(path(), files.directory.empty() ? O_RDONLY : O_RDONLY | O_NOFOLLOW);
    } catch (const std::system_error& error) {
        return fail(error.code().value());
    }
    if (used_ > bytes_at_once || messages_.size() == messages_at_once) hash_messages();
    std::byte* const bytes = &buffer_[used_];
    std::size_t reads = 0;
    const auto size = read_all(file.number(), bytes, first_read, reads);
    if (!size) return fail(errno);
    if (*size == first_read || reads > 1) {
        if (!options_.leaves_large_files) begin_large(std::move(file), path(), sum, bytes, *size);
        return;
    }
    tell(*size);
    tell_end();
    if (options_.work == file_work::read) {
        sum.is_done = true;
        return;
    }
    messages_.push_back({bytes, *size, &sum});
    // A line more than the padding takes, so that files of one size do not fall on the same lines of a cache.
    constexpr std::size_t line = 64;
    used_ += (*size + md5_message::padding_room + 2 * line - 1) / line * line;
}

void file_hasher::begin_large(descriptor file, std::string path, file_sum& sum, const std::byte* first,
                              std::size_t size) {
    auto large = std::make_unique<large_file>(
        large_file{.file = std::move(file), .path = std::move(path), .sum = &sum, .chunk = {}});
    if (::fstat(large->file.number(), &large->before) != 0) return fail(*large, errno);
    if (!S_ISREG(large->before.st_mode)) return hash_stream(*large, {first, size});
    // What was read counts where it is whole blocks of a file that has not changed since before.
    if (size == first_read && is_before(large->before.st_ctim, range_begin_)) {
        tell(size);
        large->size = size;
        if (options_.work == file_work::sum) runs_.push_back({&large->state, first, size / md5_block_size});
        used_ += size;
    } else if (::lseek(large->file.number(), 0, SEEK_SET) != 0) {
        return fail(*large, errno);
    }
    large_.push_back(std::move(large));
    if (large_.size() >= most_open_) hash_large_files();
}

void file_hasher::fail(const large_file& at, int error) const {
    tell_end();
    at.sum->error = message_of(at.path, error);
    at.sum->is_done = true;
}

void file_hasher::hash_messages() {
    states_.assign(messages_.size(), md5_begin);
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        const message& each = messages_[i];
        const std::size_t padded = each.size + md5_pad(each.bytes + each.size, each.size);
        runs_.push_back({&states_[i], each.bytes, padded / md5_block_size});
    }
    md5_advance(runs_);
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        messages_[i].sum->digest = md5_digest(states_[i]);
        messages_[i].sum->is_done = true;
    }
    messages_.clear();
    runs_.clear();
    used_ = 0;
}

void file_hasher::hash_large_files() {
    hash_messages(); // with the first blocks of the large ones
    if (large_.size() == 1 && options_.work == file_work::sum) {
        // One lane alone is slower than OpenSSL.
        if (::lseek(large_.front()->file.number(), 0, SEEK_SET) != 0)
            fail(*large_.front(), errno);
        else
            hash_stream(*large_.front(), {});
        large_.clear();
    }
    while (!large_.empty() && !is_stopped()) {
        std::erase_if(large_, [&](const auto& each) { return !read_chunk(*each); });
        for (const auto& each : large_)
            if (options_.work == file_work::sum)
                runs_.push_back({&each->state, each->chunk.get(), each->blocks});
        md5_advance(runs_);
        runs_.clear();
        std::erase_if(large_, [&](const auto& each) {
            return each->is_last && end_large(*each, md5_digest(each->state));
        });
    }
}

bool file_hasher::read_chunk(large_file& from) {
    if (from.chunk == nullptr)
        from.chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size + md5_message::padding_room);
    std::size_t reads = 0;
    const auto size = read_all(from.file.number(), from.chunk.get(), chunk_size, reads);
    if (!size) {
        fail(from, errno);
        return false;
    }
    tell(*size);
    from.size += *size;
    from.is_last = *size < chunk_size;
    const std::size_t padding = from.is_last ? md5_pad(&from.chunk[*size], from.size) : 0;
    from.blocks = (*size + padding) / md5_block_size;
    return true;
}

bool file_hasher::end_large(const large_file& ended, const md5& digest) {
    struct stat after{};
    if (::fstat(ended.file.number(), &after) != 0) {
        fail(ended, errno);
        return true;
    }
    tell_end();
    if (S_ISREG(after.st_mode) && !is_unchanged(ended.before, after)) {
        ended.sum->error = ended.path + ": file changed while it was read";
    } else if (options_.work == file_work::sum) {
        ended.sum->digest = digest;
    }
    ended.sum->is_done = true;
    return true;
}

void file_hasher::hash_stream(large_file& from, std::span<const std::byte> first) {
    md5_stream stream;
    stream.update(first);
    tell(first.size());
    std::uint64_t told = from.size;
    const auto chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size);
    while (!is_stopped()) {
        std::size_t reads = 0;
        const auto size = read_all(from.file.number(), chunk.get(), chunk_size, reads);
        if (!size) return fail(from, errno);
        stream.update({chunk.get(), *size});
        const std::uint64_t known =
            std::min<std::uint64_t>(std::exchange(told, told - std::min<std::uint64_t>(told, *size)), *size);
        tell(*size - known);
        if (*size < chunk_size) {
            end_large(from, stream.finish());
            return;
        }
    }
}

void file_hasher::finish() {
    hash_large_files();
    large_.clear(); // those that a stop left
}

} // namespace checksum
