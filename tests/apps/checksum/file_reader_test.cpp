// Guards against: bytes lost or doubled at short and interrupted reads, trust in st_size, an error swallowed
// or without its path, a descriptor leaked, a block overwritten by another reader of the same thread, and
// failures on paths longer than the kernel accepts.

#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <checksum/file_reader.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

using checksum::file_reader;
using test_support::temporary_directory;

namespace {

std::string text_of(std::span<const std::byte> block) {
    std::string text(block.size(), '\0');
    std::ranges::transform(block, text.begin(), [](std::byte byte) { return static_cast<char>(byte); });
    return text;
}

std::string content_of(const std::string& path) {
    std::string content;
    file_reader reader{path};
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
        content += text_of(block);
    }
    return content;
}

struct failure {
    int error;
    std::string message;
};

/// The error that reading the file to its end throws; error 0 if none.
failure failure_of(const std::string& path) {
    try {
        content_of(path);
    } catch (const std::system_error& error) {
        REQUIRE(error.code().category() == std::generic_category());
        return {error.code().value(), error.what()};
    }
    return {0, ""};
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
    return bytes;
}

std::string make_fifo(const std::string& path) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    return path;
}

void write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

/// A field of the thread's /proc/self/task/THREAD/status (proc(5)).
std::string status_of(pid_t thread, const std::string& field) {
    std::ifstream file{"/proc/self/task/" + std::to_string(thread) + "/status"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(field + ":\t")) return line.substr(field.size() + 2);
    }
    return {};
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator entries{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::atomic<int> interruptions = 0;
static_assert(std::atomic<int>::is_always_lock_free);

/// Counts SIGUSR1, which interrupts system calls, while in scope.
class interrupting_signal {
public:
    interrupting_signal() {
        struct sigaction action{};
        action.sa_handler = [](int) { ++interruptions; };
        action.sa_flags = 0; // no SA_RESTART
        ::sigaction(SIGUSR1, &action, &before_);
    }
    interrupting_signal(const interrupting_signal&) = delete;
    interrupting_signal& operator=(const interrupting_signal&) = delete;
    ~interrupting_signal() { ::sigaction(SIGUSR1, &before_, nullptr); }

private:
    struct sigaction before_{};
};

/// Interrupts the system call in which the thread sleeps, and waits for the interruption.
void interrupt(pthread_t thread, pid_t thread_id) {
    while (!status_of(thread_id, "State").starts_with('S')) std::this_thread::yield();
    ::pthread_kill(thread, SIGUSR1);
    while (status_of(thread_id, "SigPnd") != "0000000000000000") std::this_thread::yield();
}

} // namespace

TEST_CASE("file_reader reads the whole of a regular file, of any size around its blocks") {
    temporary_directory scratch;
    constexpr std::size_t block = std::size_t{256} * 1024;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, block - 1, block, block + 1, 3 * block + 5}) {
        CAPTURE(size);
        const std::string content = pattern(size);
        CHECK((content_of(scratch.write("file", content)) == content));
    }
}

TEST_CASE("file_reader stays at the end of a file") {
    temporary_directory scratch;
    file_reader reader{scratch.write("file", "x")};
    CHECK(text_of(reader.next_block()) == "x");
    CHECK(reader.next_block().empty());
    CHECK(reader.next_block().empty());
}

TEST_CASE("file_reader does not trust st_size") {
    const std::string path = "/proc/version";
    CHECK(std::filesystem::file_size(path) == 0);
    std::ifstream file{path};
    const std::string expected{std::istreambuf_iterator<char>{file}, {}};
    CHECK_FALSE(expected.empty());
    CHECK(content_of(path) == expected);
}

TEST_CASE("file_reader reads what is appended while it reads") {
    temporary_directory scratch;
    const std::string path = scratch.write("file", "first");
    file_reader reader{path};
    CHECK(text_of(reader.next_block()) == "first");
    std::ofstream{path, std::ios::app} << "second";
    CHECK(text_of(reader.next_block()) == "second");
    CHECK(reader.next_block().empty());
}

TEST_CASE("file_reader reads a FIFO to its end through short and interrupted reads") {
    temporary_directory scratch;
    const std::string path = make_fifo(scratch / "fifo");
    const std::string content = pattern(50'000);
    constexpr std::size_t piece_size = 1'000;
    interrupting_signal signal;
    const int interruptions_before = interruptions;

    const pthread_t reader = ::pthread_self();
    const auto reader_id = static_cast<pid_t>(::syscall(SYS_gettid));
    std::jthread writer{[&] {
        interrupt(reader, reader_id); // in open: no writer yet
        // O_RDWR: if the reader fails, the writer neither hangs nor dies of SIGPIPE.
        const int fifo = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        for (std::size_t offset = 0; offset < content.size(); offset += piece_size) {
            interrupt(reader, reader_id); // in read: the FIFO is empty
            write_all(fifo, std::string_view{content}.substr(offset, piece_size));
        }
        ::close(fifo);
    }};

    CHECK((content_of(path) == content));
    // One in each read; the one in open may be counted together with the next.
    CHECK(interruptions - interruptions_before >= 50);
}

TEST_CASE("readers of one thread do not overwrite each other's blocks") {
    temporary_directory scratch;
    file_reader first{scratch.write("first", "1111")};
    const auto block = first.next_block();
    {
        file_reader second{scratch.write("second", "2222")};
        CHECK(text_of(second.next_block()) == "2222");
        CHECK(text_of(block) == "1111");
    }
    CHECK(content_of(scratch.write("third", "3333")) == "3333");
    CHECK(text_of(block) == "1111");
}

TEST_CASE("a reader may end on another thread, and be moved") {
    temporary_directory scratch;
    file_reader reader{scratch.write("file", "content")};
    std::string content;
    std::jthread{[&content, moved = std::move(reader)]() mutable {
        content = text_of(moved.next_block());
        file_reader gone = std::move(moved);
    }}.join();
    CHECK(content == "content");
}

TEST_CASE("file_reader names the path and the reason when it fails") {
    temporary_directory scratch;
    const auto check = [](const std::string& path, int error, const std::string& reason) {
        CAPTURE(path);
        const failure thrown = failure_of(path);
        CHECK(thrown.error == error);
        CHECK(thrown.message == path + ": " + reason);
    };
    const std::string file = scratch.write("file", "x");
    std::filesystem::create_symlink("loop", scratch / "loop");
    check(scratch / "missing", ENOENT, "No such file or directory");
    check("", ENOENT, "No such file or directory");
    check(scratch.path(), EISDIR, "Is a directory");
    check(file + "/below", ENOTDIR, "Not a directory");
    check(scratch / "loop", ELOOP, "Too many levels of symbolic links");
    check(scratch / std::string(NAME_MAX + 1, 'n'), ENAMETOOLONG, "File name too long");
    check(scratch / std::string(2 * PATH_MAX, 'n'), ENAMETOOLONG, "File name too long");
    check("/proc/self/mem", EIO, "Input/output error");
}

TEST_CASE("file_reader rejects a path that contains NUL") {
    temporary_directory scratch;
    const std::string path = scratch.write("file", "x") + std::string{"\0.txt", 5};
    CHECK(failure_of(path).error == EINVAL);
}

TEST_CASE("file_reader reports a file without permission") {
    temporary_directory scratch;
    const std::string path = scratch.write("secret", "x");
    std::filesystem::permissions(scratch.path(), std::filesystem::perms{0755});
    std::filesystem::permissions(path, std::filesystem::perms::none);
    CHECK(test_support::true_without_privilege([&] {
        const failure thrown = failure_of(path);
        return thrown.error == EACCES && thrown.message == path + ": Permission denied";
    }));
}

TEST_CASE("file_reader opens paths longer than PATH_MAX") {
    temporary_directory scratch;
    const std::string name(200, 'd');
    std::string path = scratch.path();
    int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (path.size() < 3 * PATH_MAX) {
        REQUIRE(::mkdirat(directory, name.c_str(), 0700) == 0);
        const int child = ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ::close(directory);
        directory = child;
        path += '/' + name;
    }
    const int file = ::openat(directory, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    write_all(file, "deep");
    ::close(file);
    ::close(directory);

    CHECK(content_of(path + "/file") == "deep");
    CHECK(content_of(path + std::string(PATH_MAX, '/') + "file") == "deep");
    CHECK(content_of(path + std::string(2 * PATH_MAX, '/') + "./file") == "deep");
    CHECK(failure_of(path + "/missing").error == ENOENT);
    CHECK(failure_of(path + std::string(PATH_MAX, '/')).error == EISDIR);
    CHECK(failure_of(path + "/file" + std::string(PATH_MAX, '/')).error == ENOTDIR);
    CHECK(failure_of(path + "/missing").message == path + "/missing: No such file or directory");
}

TEST_CASE("file_reader leaves no descriptor open, on success or error") {
    temporary_directory scratch;
    const std::string file = scratch.write("file", "x");
    const std::string too_long = scratch.path() + std::string(2 * PATH_MAX, '/') + "missing";
    const std::size_t before = open_descriptors();
    content_of(file);
    failure_of(scratch.path());
    failure_of(scratch / "missing");
    failure_of(too_long);
    CHECK(open_descriptors() == before);
}

TEST_CASE("the descriptor of a file_reader is closed on exec") {
    temporary_directory scratch;
    const std::string path = scratch.write("file", "x");
    const file_reader reader{path};
    const auto [output, status] = test_support::run_program({"ls", "-l", "/proc/self/fd"});
    REQUIRE(status == 0);
    CHECK_THAT(output, !Catch::Contains(path));
}
