#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace test_support {

/// A terminal read only by the test: output to descriptor() is returned by written().
class pseudo_terminal {
public:
    explicit pseudo_terminal(unsigned short columns) {
        if (::openpty(&test_, &descriptor_, nullptr, nullptr, nullptr) != 0)
            throw std::system_error{errno, std::generic_category(), "openpty"};
        ::fcntl(test_, F_SETFD, FD_CLOEXEC);
        resize(columns);
    }
    pseudo_terminal(const pseudo_terminal&) = delete;
    pseudo_terminal& operator=(const pseudo_terminal&) = delete;
    ~pseudo_terminal() {
        ::close(descriptor_);
        ::close(test_);
    }

    int descriptor() const noexcept { return descriptor_; }
    void resize(unsigned short columns) const {
        winsize size{};
        size.ws_row = 24;
        size.ws_col = columns;
        if (::ioctl(test_, TIOCSWINSZ, &size) != 0)
            throw std::system_error{errno, std::generic_category(), "TIOCSWINSZ"};
    }
    /// Everything written so far.
    const std::string& written() {
        pollfd readable{test_, POLLIN, 0};
        std::array<char, 4096> block{};
        while (::poll(&readable, 1, 0) > 0 && (readable.revents & POLLIN) != 0) {
            const ssize_t count = ::read(test_, block.data(), block.size());
            if (count <= 0) break;
            written_.append(block.data(), static_cast<std::size_t>(count));
        }
        return written_;
    }

private:
    int test_ = -1;
    int descriptor_ = -1;
    std::string written_;
};

/// Lines shown by a wide terminal after these bytes. Interprets carriage returns, newlines, erasing the rest
/// of a line, and colours, which are dropped. Throws: std::runtime_error for any other control sequence.
inline std::vector<std::string> screen_after(std::string_view bytes) {
    std::vector<std::string> lines(1);
    std::size_t column = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        if (c == '\r') {
            column = 0;
        } else if (c == '\n') {
            lines.emplace_back();
            column = 0;
        } else if (c == '\x1b') {
            const std::size_t end = bytes.find_first_not_of("[0123456789;", i + 1);
            if (end == std::string_view::npos || (bytes[end] != 'K' && bytes[end] != 'm'))
                throw std::runtime_error{"a control sequence that no progress line needs"};
            if (bytes[end] == 'K') lines.back().resize(column);
            i = end;
        } else {
            if (lines.back().size() <= column) lines.back().resize(column + 1, ' ');
            lines.back()[column++] = c;
        }
    }
    return lines;
}

} // namespace test_support
