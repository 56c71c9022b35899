#pragma once

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// Directories of files below TMPDIR (else /tmp) that are removed with all that is in them by remove(), or
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

    /// Makes one, by mkdtemp(3), and gives its path. Throws: std::system_error naming the path.
    std::string create();
    /// Writes a file in the one made last. Gives its path. Requires: create() was called. Throws: std::system_error naming the path.
    std::string write(std::string_view name, std::span<const char> content);
    /// Removes those that are there. Throws: std::system_error naming what could not be removed.
    void remove();

private:
    void require_not_removed() const;

    std::mutex mutex_;
    std::vector<std::string> paths_; // guarded by mutex_
    bool removed_ = false;           // guarded by mutex_
};

} // namespace spmd_bench
