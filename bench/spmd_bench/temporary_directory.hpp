#pragma once

#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace spmd_bench {

/// A directory of files below TMPDIR (else /tmp) that is removed with all that is in it by remove(), or
/// when this object goes.
///
///     temporary_directory inputs;
///     inputs.create();
///     inputs.write("item_1", bytes);
///
/// Thread safety: all members may be called at the same time. After remove() nothing comes into being there
/// any more: create() and write() throw.
class temporary_directory {
public:
    temporary_directory() = default;
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory();

    /// Makes it, by mkdtemp(3), and gives its path. Throws: std::system_error naming the path.
    std::string create();
    /// Writes a file. Gives its path. Requires: create() was called. Throws: std::system_error naming the path.
    std::string write(std::string_view name, std::span<const char> content);
    /// Removes it, if it is there. Throws: std::system_error naming what could not be removed.
    void remove();

private:
    void require_not_removed() const;

    std::mutex mutex_;
    std::string path_;     // guarded by mutex_; empty: not made
    bool removed_ = false; // guarded by mutex_
};

} // namespace spmd_bench
