// Preloaded into a program under test: makes its reads and opens fail as the variable FAULT says.
//   short        each read returns at most 7 bytes
//   interrupted  every second read and open fails with EINTR
//   broken:N     reads of files whose size is N fail with EIO from their second on
//   vanishing    every third open of a file fails with ENOENT, as if the file were deleted after the listing
//   linked       before every third open of a file a symbolic link replaces it
//   growing:N    a file whose size is N has a byte more after its second read
//   shrinking:N  a file whose size is N is half as long after its second read
//   rewritten:N  a file whose size is N has another first byte after its first read, once
//   slow         fsync lasts half a second longer
//   unclosed     close of the file that is standard output fails with ENOSPC
//   unsynced     fsync fails with EIO
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

const std::string& fault() {
    static const std::string wanted = [] {
        const char* const text = std::getenv("FAULT");
        return std::string(text != nullptr ? text : "");
    }();
    return wanted;
}

/// The C library's definition, which this file's overrides.
template <class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

std::atomic<unsigned> reads{0};
std::atomic<unsigned> opens{0};

/// Returns true if the file has the size in "KIND:SIZE", and its first read is over.
bool is_hit(int file, const std::string& kind) {
    if (!fault().starts_with(kind)) return false;
    struct stat status{};
    return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
           std::to_string(status.st_size) == fault().substr(kind.size()) && ::lseek(file, 0, SEEK_CUR) > 0;
}

void resize(int file, bool grows) {
    struct stat status{};
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    if (::fstat(file, &status) == 0)
        static_cast<void>(::truncate(path.c_str(), grows ? status.st_size + 1 : status.st_size / 2) + 0);
}

/// Overwrites the first byte of an open file, once per process.
void rewrite(int file) {
    static std::atomic<bool> is_done{false};
    if (is_done.exchange(true)) return;
    const int again = ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_WRONLY);
    static_cast<void>(::pwrite(again, "!", 1, 0) + 0);
    ::close(again);
}

} // namespace

extern "C" ssize_t read(int file, void* to, std::size_t size) {
    static const auto real = next<ssize_t (*)(int, void*, std::size_t)>("read");
    if (fault() == "interrupted" && reads.fetch_add(1) % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    if (is_hit(file, "broken:")) {
        errno = EIO;
        return -1;
    }
    if (is_hit(file, "growing:")) resize(file, true);
    if (is_hit(file, "shrinking:")) resize(file, false);
    if (is_hit(file, "rewritten:")) rewrite(file);
    constexpr std::size_t few = 7;
    return real(file, to, fault() == "short" ? std::min(size, few) : size);
}

extern "C" int openat(int directory, const char* path, int flags, ...) {
    static const auto real = next<int (*)(int, const char*, int, mode_t)>("openat");
    std::va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (fault() == "interrupted" && opens.fetch_add(1) % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    if (fault() == "vanishing" && (flags & O_DIRECTORY) == 0 && opens.fetch_add(1) % 3 == 0) {
        errno = ENOENT;
        return -1;
    }
    if (fault() == "linked" && (flags & (O_DIRECTORY | O_CREAT)) == 0 && opens.fetch_add(1) % 3 == 0) {
        ::unlinkat(directory, path, 0);
        static_cast<void>(::symlinkat("/etc/hostname", directory, path) + 0);
    }
    return real(directory, path, flags, mode);
}

extern "C" int fsync(int file) {
    static const auto real = next<int (*)(int)>("fsync");
    constexpr unsigned half_a_second = 500'000; // in microseconds
    if (fault() == "slow") ::usleep(half_a_second);
    if (fault() != "unsynced") return real(file);
    errno = EIO;
    return -1;
}

extern "C" int close(int file) {
    static const auto real = next<int (*)(int)>("close");
    struct stat closed{};
    struct stat output{};
    const bool is_hit = fault() == "unclosed" && ::fstat(file, &closed) == 0 &&
                        ::fstat(STDOUT_FILENO, &output) == 0 && closed.st_ino == output.st_ino;
    const int result = real(file);
    if (!is_hit) return result;
    errno = ENOSPC;
    return -1;
}
