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

class file_fault_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "file"; }
    std::string message(int) const override { return "file changed while it was read"; }
};

std::error_code system_error(int error) noexcept { return {error, std::generic_category()}; }

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

void file_hasher::add(const file_range& files, std::size_t first, std::span<file_sum> sums,
                      const algorithm& by) {
    ::clock_gettime(CLOCK_REALTIME_COARSE, &range_begin_);
    by_ = &by;
    const descriptor directory = open_if_possible(files.directory);
    for (std::size_t i = 0; i < sums.size() && !is_stopped(); ++i)
        if (!sums[i].is_done) read_file(directory.number(), files, first + i, sums[i]);
}

void file_hasher::add(descriptor file, file_sum& sum, const algorithm& by) {
    large_file whole{.file = std::move(file), .sum = &sum, .by = &by, .chunk = {}};
    if (::fstat(whole.file.number(), &whole.before) != 0) return fail(sum, system_error(errno));
    hash_stream(whole, {});
}

void file_hasher::read_file(int directory, const file_range& files, std::size_t index, file_sum& sum) {
    const std::string& name = files.names[index];
    const int flags = files.may_be_links ? O_RDONLY : O_RDONLY | O_NOFOLLOW;
    descriptor file{-1};
    try {
        file = directory >= 0 ? open_at(directory, name, flags) : open_path(files.directory + name, flags);
    } catch (const std::system_error& error) {
        return fail(sum, error.code());
    }
    if (used_ > bytes_at_once || messages_.size() == messages_at_once) hash_messages();
    std::byte* const bytes = &buffer_[used_];
    std::size_t reads = 0;
    const auto size = read_all(file.number(), bytes, first_read, reads);
    if (!size) return fail(sum, system_error(errno));
    if (*size == first_read || reads > 1) return begin_large(std::move(file), sum, {bytes, *size});
    tell(*size);
    if (options_.work == file_work::sum && by_->is_md5()) {
        messages_.push_back({bytes, *size, &sum});
        // A line more than the padding takes, so that files of one size do not fall on the same lines of a cache.
        constexpr std::size_t line = 64;
        used_ += (*size + md5_message::padding_room + 2 * line - 1) / line * line;
    } else {
        if (options_.work == file_work::sum) {
            digest_stream& stream = stream_by(*by_);
            stream.update({bytes, *size});
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

void file_hasher::begin_large(descriptor file, file_sum& sum, std::span<const std::byte> first) {
    auto large = std::make_unique<large_file>(
        large_file{.file = std::move(file), .sum = &sum, .by = by_, .chunk = {}});
    if (::fstat(large->file.number(), &large->before) != 0) return fail(sum, system_error(errno));
    const bool is_regular = S_ISREG(large->before.st_mode);
    if (!is_regular) return hash_stream(*large, first); // what a pipe gave it does not give again
    if (options_.leaves_large_files) return;
    // What was read counts where it is whole blocks of a file that has not changed since before.
    const bool counts = first.size() == first_read && is_before(large->before.st_ctim, range_begin_);
    if (!counts && ::lseek(large->file.number(), 0, SEEK_SET) != 0) return fail(sum, system_error(errno));
    if (!by_->is_md5()) return hash_stream(*large, counts ? first : std::span<const std::byte>{});
    if (counts) {
        tell(first.size());
        large->size = first.size();
        if (options_.work == file_work::sum)
            runs_.push_back({&large->state, first.data(), first.size() / md5_block_size});
        used_ += first.size();
    }
    large_.push_back(std::move(large));
    if (large_.size() >= most_open_) hash_large_files();
}

void file_hasher::fail(file_sum& sum, std::error_code error) const {
    tell_end();
    sum.error = error;
    sum.is_done = true;
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
        large_file& alone = *large_.front();
        if (::lseek(alone.file.number(), 0, SEEK_SET) != 0)
            fail(*alone.sum, system_error(errno));
        else
            hash_stream(alone, {});
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
            if (each->is_last) end_large(*each, md5_digest(each->state));
            return each->is_last;
        });
    }
}

bool file_hasher::read_chunk(large_file& from) {
    if (from.chunk == nullptr)
        from.chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size + md5_message::padding_room);
    std::size_t reads = 0;
    const auto size = read_all(from.file.number(), from.chunk.get(), chunk_size, reads);
    if (!size) {
        fail(*from.sum, system_error(errno));
        return false;
    }
    tell(*size);
    from.size += *size;
    from.is_last = *size < chunk_size;
    const std::size_t padding = from.is_last ? md5_pad(&from.chunk[*size], from.size) : 0;
    from.blocks = (*size + padding) / md5_block_size;
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

void file_hasher::hash_stream(large_file& from, std::span<const std::byte> first) {
    digest_stream& stream = stream_by(*from.by);
    stream.update(first);
    tell(first.size());
    // A first read that is not full has seen the end; to ask a terminal again would wait for a second one.
    bool is_at_end = !first.empty() && first.size() < first_read;
    std::uint64_t told = from.size;
    const auto chunk = std::make_unique_for_overwrite<std::byte[]>(chunk_size);
    while (!is_at_end) {
        if (is_stopped()) return;
        std::size_t reads = 0;
        const auto size = read_all(from.file.number(), chunk.get(), chunk_size, reads);
        if (!size) return fail(*from.sum, system_error(errno));
        stream.update({chunk.get(), *size});
        const std::uint64_t known =
            std::min<std::uint64_t>(std::exchange(told, told - std::min<std::uint64_t>(told, *size)), *size);
        tell(*size - known);
        is_at_end = *size < chunk_size;
    }
    end_large(from, stream.finish());
}

void file_hasher::finish() {
    hash_large_files();
    large_.clear(); // those that a stop left
}

} // namespace checksum
