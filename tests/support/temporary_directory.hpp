#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace test_support {

/// A new empty directory, removed with its content at the end of its scope.
///
///     test_support::temporary_directory scratch;
///     std::string path = scratch.write("a.txt", "content");
class temporary_directory {
public:
    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "spmd_test_XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error{errno, std::generic_category(), name};
        path_ = name;
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    /// Absolute path, without a final slash.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Path of `name` in the directory, existing or not.
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return path_ + '/' + std::string{name};
    }

    /// Writes a file, and creates its missing parent directories. Returns its path.
    std::string write(std::string_view name, std::string_view content) const {
        const std::string path = *this / name;
        std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
        std::ofstream file{path, std::ios::binary};
        file.write(content.data(), static_cast<std::streamsize>(content.size()));
        if (!file.flush()) throw std::runtime_error{path + ": cannot be written"};
        return path;
    }

    /// Creates a directory and its missing parents. Returns its path.
    std::string make_directory(std::string_view name) const {
        const std::string path = *this / name;
        std::filesystem::create_directories(path);
        return path;
    }

private:
    std::string path_;
};

} // namespace test_support
