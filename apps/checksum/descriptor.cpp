#include <checksum/descriptor.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>
#include <system_error>

namespace checksum {
namespace {

descriptor open_uninterrupted(int directory, const char* path, int flags) {
    while (true) {
        const int number = ::openat(directory, path, flags | O_CLOEXEC);
        if (number >= 0) return descriptor{number};
        const bool is_leased = errno == EWOULDBLOCK && (flags & O_NONBLOCK) != 0; // fcntl(2), F_SETLEASE
        if (is_leased) flags &= ~O_NONBLOCK;
        if (!is_leased && errno != EINTR) return descriptor{-1};
    }
}

[[noreturn]] void throw_open_error(const std::string& path, int error) {
    throw std::system_error{error, std::generic_category(), path};
}

/// Splits the path at slashes into pieces shorter than PATH_MAX, and opens each relative to its predecessor.
descriptor open_in_pieces(const std::string& path, int flags) {
    descriptor directory{AT_FDCWD};
    std::string_view rest = path;
    while (rest.size() >= PATH_MAX) {
        const auto last_slash = rest.rfind('/', PATH_MAX - 2);
        if (last_slash == std::string_view::npos) throw_open_error(path, ENAMETOOLONG);
        const std::string piece{rest.substr(0, last_slash + 1)};
        directory = open_uninterrupted(directory.number(), piece.c_str(), O_PATH | O_DIRECTORY);
        if (directory.number() < 0) throw_open_error(path, errno);
        const auto next_name = rest.find_first_not_of('/', last_slash);
        rest = next_name == std::string_view::npos ? "." : rest.substr(next_name);
    }
    descriptor opened = open_uninterrupted(directory.number(), std::string{rest}.c_str(), flags);
    if (opened.number() < 0) throw_open_error(path, errno);
    return opened;
}

} // namespace

bool wait_for_input(int file, const std::atomic<bool>* stop) noexcept {
    constexpr int patience = 50; // ms between two checks of `stop`
    pollfd input{.fd = file, .events = POLLIN, .revents = 0};
    do {
        if (stop != nullptr && stop->load()) return false;
    } while (::poll(&input, 1, stop != nullptr ? patience : -1) <= 0);
    return true;
}

descriptor::~descriptor() {
    if (number_ >= 0) ::close(number_);
}

descriptor open_path(const std::string& path, int flags) {
    if (path.find('\0') != std::string::npos) throw_open_error(path, EINVAL);
    descriptor opened = open_uninterrupted(AT_FDCWD, path.c_str(), flags);
    if (opened.number() >= 0) return opened;
    if (errno == ENAMETOOLONG && path.size() >= PATH_MAX) return open_in_pieces(path, flags);
    throw_open_error(path, errno);
}

descriptor open_at(int directory, const std::string& name, int flags) {
    descriptor opened = open_uninterrupted(directory, name.c_str(), flags);
    if (opened.number() < 0) throw_open_error(name, errno);
    return opened;
}

} // namespace checksum
