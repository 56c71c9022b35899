#pragma once

#include <atomic>
#include <string>
#include <utility>

namespace checksum {

/// Owns a file descriptor and closes it.
class descriptor {
public:
    explicit descriptor(int number) noexcept : number_{number} {}
    descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor();

    [[nodiscard]] int number() const noexcept { return number_; }

    /// Releases ownership: the caller closes the descriptor.
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_;
};

/// Opens `path` as open(2) does with `flags` and O_CLOEXEC, but accepts paths longer than PATH_MAX, and
/// retries if a signal interrupts the call.
/// Blocks: on a FIFO, until it has a writer, without O_NONBLOCK.
/// Throws: std::system_error with errno, its message "PATH: REASON" with the reason that md5sum prints.
[[nodiscard]] descriptor open_path(const std::string& path, int flags);

/// Waits until a read from descriptor `file` would not block, or `*stop` is true; returns false in the latter
/// case. `stop` may be null.
[[nodiscard]] bool wait_for_input(int file, const std::atomic<bool>* stop) noexcept;

/// Opens `name` relative to the open `directory`, as openat(2) does with `flags` and O_CLOEXEC; retries if a
/// signal interrupts the call.
/// Throws: std::system_error with errno, its message "NAME: REASON".
[[nodiscard]] descriptor open_at(int directory, const std::string& name, int flags);

} // namespace checksum
