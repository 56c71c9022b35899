#pragma once

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// Directories below TMPDIR (default: /tmp) that are removed with their contents by remove(), or by the
/// destructor.
///
///     temporary_directory inputs;
///     inputs.create();
///     inputs.write("item_1", bytes);
///
/// Thread safety: all members may be called concurrently. After remove(), create() and write() throw.
class temporary_directory {
public:
    temporary_directory() = default;
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory();

    /// Creates a directory by mkdtemp(3). Returns its path. Throws: std::system_error naming the path.
    std::string create();
    /// Writes a file in the last directory. Returns its path. Requires: create() was called.
    /// Throws: std::system_error naming the path.
    std::string write(std::string_view name, std::span<const char> content);
    /// Removes all directories. Throws: std::system_error naming the path that could not be removed.
    void remove();

private:
    void require_not_removed() const;

    std::mutex mutex_;
    std::vector<std::string> paths_; // guarded by mutex_
    bool removed_ = false;           // guarded by mutex_
};

} // namespace spmd_bench
