#include <checksum/file_reader.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

constexpr std::size_t block_size = std::size_t{256} * 1024;

/// The thread's buffer; null while a reader uses it.
thread_local std::unique_ptr<std::byte[]> spare_buffer;

} // namespace

void file_reader::keep_for_thread::operator()(std::byte* block) const noexcept { spare_buffer.reset(block); }

file_reader::block_buffer file_reader::take_buffer() {
    if (spare_buffer == nullptr) spare_buffer = std::make_unique_for_overwrite<std::byte[]>(block_size);
    return block_buffer{spare_buffer.release()};
}

file_reader::file_reader(const std::string& path, const std::atomic<bool>* stop)
    : path_{path}, file_{open_path(path, stop != nullptr ? O_RDONLY | O_NONBLOCK : O_RDONLY)},
      buffer_{take_buffer()}, stop_{stop} {}

file_reader::file_reader(descriptor file, std::string name, const std::atomic<bool>* stop)
    : path_{std::move(name)}, file_{std::move(file)}, buffer_{take_buffer()}, stop_{stop} {}

bool file_reader::would_wait() const noexcept {
    pollfd input{.fd = file_.number(), .events = POLLIN, .revents = 0};
    return ::poll(&input, 1, 0) == 0;
}

std::span<const std::byte> file_reader::next_block() {
    while (true) {
        if (stop_ != nullptr && !wait_for_input(file_.number(), stop_)) return {};
        const ssize_t count = ::read(file_.number(), buffer_.get(), block_size);
        if (count >= 0) return {buffer_.get(), static_cast<std::size_t>(count)};
        const bool must_wait = errno == EAGAIN && stop_ != nullptr;
        if (errno != EINTR && !must_wait) throw std::system_error{errno, std::generic_category(), path_};
    }
}

} // namespace checksum
