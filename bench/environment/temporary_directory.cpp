#include "environment/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace spmd_bench {
namespace {

[[noreturn]] void throw_errno(const std::string& path) {
    throw std::system_error(errno, std::generic_category(), path);
}

std::string parent_directory() {
    const char* chosen = std::getenv("TMPDIR"); // nothing changes the environment concurrently
    return chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
}

} // namespace

temporary_directory::~temporary_directory() {
    try {
        remove();
    } catch (const std::exception&) { // during unwinding the first error is the one to report
        return;
    }
}

std::string temporary_directory::create() {
    const std::lock_guard lock(mutex_);
    require_not_removed();
    std::string path = parent_directory() + "/spmd_bench_XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) throw_errno(path);
    return paths_.emplace_back(std::move(path));
}

std::string temporary_directory::write(std::string_view name, std::span<const char> content) {
    const std::lock_guard lock(mutex_);
    require_not_removed();
    std::string path = paths_.back() + '/' + std::string(name);
    errno = EIO; // in case the stream fails without setting errno
    std::ofstream file(path, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) throw_errno(path);
    return path;
}

void temporary_directory::remove() {
    const std::lock_guard lock(mutex_);
    removed_ = true;
    for (const std::string& path : std::exchange(paths_, {})) std::filesystem::remove_all(path);
}

void temporary_directory::require_not_removed() const {
    if (removed_) throw std::system_error(ECANCELED, std::generic_category(), "the temporary directory");
}

} // namespace spmd_bench
