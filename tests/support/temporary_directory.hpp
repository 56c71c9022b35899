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

/// A new empty directory, removed with all that is in it at the end of its scope.
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

    /// Its absolute path, without a final slash.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// The path of `name` in it, whether there is such a file or not.
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return path_ + '/' + std::string{name};
    }

    /// Writes a file, and the directories it lies in where they are missing. Gives its path.
    std::string write(std::string_view name, std::string_view content) const {
        const std::string path = *this / name;
        std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
        std::ofstream file{path, std::ios::binary};
        file.write(content.data(), static_cast<std::streamsize>(content.size()));
        if (!file.flush()) throw std::runtime_error{path + ": cannot be written"};
        return path;
    }

    /// Makes a directory, and those above it where they are missing. Gives its path.
    std::string make_directory(std::string_view name) const {
        const std::string path = *this / name;
        std::filesystem::create_directories(path);
        return path;
    }

private:
    std::string path_;
};

} // namespace test_support
