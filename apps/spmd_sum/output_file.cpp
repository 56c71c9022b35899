#include <spmd_sum/output_file.hpp>

#include <checksum/descriptor.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace spmd_sum {
namespace {

[[noreturn]] void throw_error(const std::string& path) {
    throw std::system_error{errno, std::generic_category(), path};
}

/// Resolves symbolic links in the last component, also of a link whose target does not exist.
std::string followed(std::string path) {
    constexpr int most_links = 40; // as the kernel's
    std::error_code none;
    for (int i = 0; i < most_links; ++i) {
        const std::filesystem::path target = std::filesystem::read_symlink(path, none);
        if (none) return path;
        path = std::filesystem::path(path).parent_path() / target;
    }
    return path;
}

/// Standard output or standard error, if `status` is that of its file; otherwise empty.
std::optional<int> standard_stream_of(const struct stat& status) {
    for (const int each : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat stream{};
        if (::fstat(each, &stream) == 0 && checksum::identity_of(stream) == checksum::identity_of(status))
            return each;
    }
    return std::nullopt;
}

std::optional<struct stat> status_of(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return status;
    if (errno != ENOENT) throw_error(path);
    return std::nullopt;
}

mode_t mode_of_new_files() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    constexpr mode_t all = 0666;
    return all & ~mask;
}

} // namespace

output_file::output_file(const std::string& path) : path_{path} {
    if (path_.empty()) return;
    const std::optional<struct stat> old = status_of(path_);
    checksum::descriptor file{-1};
    const std::optional<int> same = old ? standard_stream_of(*old) : std::nullopt;
    if (same && S_ISREG(old->st_mode)) {
        // /dev/stdout, or a file opened by the shell, which other programs write to before and after.
        file = checksum::descriptor{::fcntl(*same, F_DUPFD_CLOEXEC, 0)};
        if (file.number() < 0) throw_error(path);
    } else if (old && !S_ISREG(old->st_mode)) {
        file = checksum::open_path(path_, O_WRONLY);
    } else {
        path_ = followed(path_);
        std::string temporary = path_ + ".XXXXXX";
        file = checksum::descriptor{::mkostemp(temporary.data(), O_CLOEXEC)};
        if (file.number() < 0) throw_error(path);
        temporary_ = std::move(temporary);
        if (old) // only root can keep another owner
            [[maybe_unused]]
            const int kept = ::fchown(file.number(), old->st_uid, old->st_gid);
        constexpr mode_t permissions = 07777;
        [[maybe_unused]] const int set =
            ::fchmod(file.number(), old ? old->st_mode & permissions : mode_of_new_files());
    }
    own_ = {::fdopen(file.number(), "w"), &std::fclose};
    if (own_ == nullptr) throw std::bad_alloc{};
    static_cast<void>(file.release());
    stream_ = own_.get();
}

output_file::~output_file() {
    if (!temporary_.empty()) static_cast<void>(::unlink(temporary_.c_str()));
}

bool output_file::is_terminal() const noexcept { return ::isatty(::fileno(stream_)) == 1; }

std::vector<checksum::file_identity> output_file::identities() const {
    std::vector<checksum::file_identity> all;
    struct stat status{};
    if (::fstat(::fileno(stream_), &status) == 0 && S_ISREG(status.st_mode))
        all.push_back({status.st_dev, status.st_ino});
    if (!temporary_.empty() && ::stat(path_.c_str(), &status) == 0)
        all.push_back({status.st_dev, status.st_ino});
    return all;
}

void output_file::commit() {
    if (std::fflush(stream_) != 0) throw_error(subject());
    // Some file systems report failed writes at close only; the stream itself is still needed.
    const int copy = ::fcntl(::fileno(stream_), F_DUPFD_CLOEXEC, 0);
    if (copy < 0 || ::close(copy) != 0) throw_error(subject());
    if (temporary_.empty()) return;
    if (::fsync(::fileno(stream_)) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
        throw_error(subject());
    temporary_.clear();
    // The new name, too, should survive a power failure; not every directory can be synced.
    const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
    const checksum::descriptor directory{
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    static_cast<void>(::fsync(directory.number()));
}

} // namespace spmd_sum
