#include <checksum/file_reader.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

constexpr std::size_t block_size = std::size_t{256} * 1024;

/// Null while a reader of this thread has the buffer.
thread_local std::unique_ptr<std::byte[]> spare_buffer;

} // namespace

void file_reader::keep_for_thread::operator()(std::byte* block) const noexcept { spare_buffer.reset(block); }

file_reader::block_buffer file_reader::take_buffer() {
    if (spare_buffer == nullptr) spare_buffer = std::make_unique_for_overwrite<std::byte[]>(block_size);
    return block_buffer{spare_buffer.release()};
}

file_reader::file_reader(const std::string& path)
    : path_{path}, file_{open_path(path, O_RDONLY)}, buffer_{take_buffer()} {}

file_reader::file_reader(descriptor file, std::string name)
    : path_{std::move(name)}, file_{std::move(file)}, buffer_{take_buffer()} {}

std::span<const std::byte> file_reader::next_block() {
    ssize_t count = -1;
    do {
        count = ::read(file_.number(), buffer_.get(), block_size);
    } while (count < 0 && errno == EINTR);
    if (count < 0) throw std::system_error{errno, std::generic_category(), path_};
    return {buffer_.get(), static_cast<std::size_t>(count)};
}

} // namespace checksum
