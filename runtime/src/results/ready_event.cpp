#include <spmd/ready_event.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace spmd {

class ready_event::counter {
public:
    counter() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "ready_event: eventfd");
    }
    counter(const counter&) = delete;
    counter& operator=(const counter&) = delete;
    ~counter() { ::close(fd_); }
    int fd() const noexcept { return fd_; }

private:
    int fd_;
};

ready_event::ready_event() : counter_(std::make_shared<const counter>()) {}

int ready_event::fd() const noexcept { return counter_->fd(); }

void ready_event::signal(const counter& to) noexcept {
    // Cannot fail: the counter is far below its limit, and open.
    [[maybe_unused]] const int failed = ::eventfd_write(to.fd(), 1);
}

std::size_t ready_event::take() const noexcept {
    std::uint64_t count = 0;
    return ::eventfd_read(counter_->fd(), &count) == 0 ? static_cast<std::size_t>(count) : 0;
}

} // namespace spmd
