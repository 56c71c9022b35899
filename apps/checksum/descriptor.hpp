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

    /// Gives the descriptor up to the caller, who closes it.
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_;
};

/// Opens `path` as open(2) does with `flags` and O_CLOEXEC, but takes paths longer than PATH_MAX and
/// tries again when a signal interrupts it (a FIFO waits for its writer).
/// Throws: std::system_error with errno, its message "PATH: REASON" with the reason md5sum gives.
[[nodiscard]] descriptor open_path(const std::string& path, int flags);

/// Waits until a read from a file would not block. False once `stop`, where there is one, is true.
[[nodiscard]] bool wait_for_input(int file, const std::atomic<bool>* stop) noexcept;

/// Opens `name`, which is relative to `directory`, as openat(2) does with `flags` and O_CLOEXEC; tries
/// again when a signal interrupts it.
/// Throws: std::system_error with errno, its message "NAME: REASON".
[[nodiscard]] descriptor open_at(int directory, const std::string& name, int flags);

} // namespace checksum
