// Guards the sums of files that are hashed together: sizes around the limits of small and large files and of
// blocks; files that change, vanish or are not regular; and that nothing is read after a stop.
#include "../../support/temporary_directory.hpp"

#include <checksum/digest.hpp>
#include <checksum/file_hasher.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using checksum::file_hasher;
using checksum::file_range;
using checksum::file_sum;
using test_support::temporary_directory;

constexpr std::size_t first_read = file_hasher::first_read;

std::string random_text(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 draw(seed);
    std::string text(size, '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(draw()); });
    return text;
}

const checksum::algorithm md5("md5");

std::vector<file_sum> sums_of(file_hasher& hasher, const file_range& files,
                              const checksum::algorithm& digest_algorithm = md5) {
    std::vector<file_sum> sums(files.names.size());
    hasher.add(files, 0, sums, digest_algorithm);
    hasher.finish();
    return sums;
}
std::vector<file_sum> sums_of(const file_range& files, const checksum::algorithm& digest_algorithm = md5) {
    file_hasher hasher({});
    return sums_of(hasher, files, digest_algorithm);
}

/// Files of given sizes, and their digests computed by OpenSSL.
struct sized_files {
    explicit sized_files(const std::vector<std::size_t>& sizes) {
        range.directory = scratch.path() + "/";
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            const std::string content = random_text(sizes[i], i);
            range.names.push_back("file_" + std::to_string(i));
            scratch.write(range.names.back(), content);
            digests.push_back(checksum::md5_of(content));
        }
    }
    temporary_directory scratch;
    file_range range;
    std::vector<checksum::md5> digests;
};

void require_all_right(const std::vector<file_sum>& sums, const sized_files& files) {
    for (std::size_t i = 0; i < sums.size(); ++i) {
        INFO(files.range.names[i]);
        REQUIRE(sums[i].is_done);
        REQUIRE(!sums[i].error);
        REQUIRE(sums[i].digest == files.digests[i]);
    }
}

void let_times_pass() {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
} // more than a tick of the kernel

} // namespace

TEST_CASE("every size around a block's, a first read's and a chunk's edge, in one hasher") {
    std::vector<std::size_t> sizes;
    for (const std::size_t edge :
         {std::size_t{64}, std::size_t{128}, first_read, 2 * first_read, 3 * first_read})
        for (const std::size_t size : {edge - 9, edge - 8, edge - 1, edge, edge + 1, edge + 63, edge + 64})
            sizes.push_back(size);
    sizes.insert(sizes.end(), {0, 1, 55, 56, 0, 1000, 65536, 1 << 20});
    const sized_files files(sizes);
    require_all_right(sums_of(files.range), files); // new files: the first read is repeated
    let_times_pass();
    require_all_right(sums_of(files.range), files); // old ones: the first read is valid
}

TEST_CASE("more small files than a batch, more large ones than lanes, and a single large one") {
    const sized_files small(std::vector<std::size_t>(1000, 700));
    require_all_right(sums_of(small.range), small);
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < 75; ++i) sizes.push_back(first_read + i * 5000);
    const sized_files large(sizes);
    let_times_pass();
    for (const std::size_t most_open : std::vector<std::size_t>{1, 2, 7, 1000}) {
        file_hasher hasher({});
        hasher.set_most_open(most_open);
        require_all_right(sums_of(hasher, large.range), large);
        require_all_right(sums_of(hasher, large.range), large); // a hasher can be reused
    }
    const sized_files one({5 * first_read + 17});
    require_all_right(sums_of(one.range), one);
}

TEST_CASE("large files are left on request, and sums already done are kept") {
    const sized_files files({10, first_read + 1, 20});
    file_hasher hasher({});
    checksum::large_files left{.beyond = first_read};
    std::vector<file_sum> sums(3);
    sums[2] = {.digest = checksum::md5{7}, .is_done = true};
    hasher.add(files.range, 0, sums, md5, &left);
    hasher.finish();
    CHECK(sums[0].digest == files.digests[0]);
    CHECK(!sums[1].is_done);
    REQUIRE(left.files.size() == 1);
    CHECK(left.files[0].range == &files.range);
    CHECK(left.files[0].index == 1);
    CHECK(left.files[0].sum == &sums[1]);
    CHECK(left.files[0].size == first_read + 1);
    CHECK(sums[2].digest == checksum::md5{7});
}

TEST_CASE("reading alone reads everything and hashes nothing") {
    const sized_files files({10, 3 * first_read + 5});
    std::size_t bytes = 0;
    std::size_t ended = 0;
    file_hasher hasher({.work = checksum::file_work::read,
                        .on_read = [&](std::size_t count) { bytes += count; },
                        .on_file = [&] { ++ended; }});
    const std::vector<file_sum> sums = sums_of(hasher, files.range);
    CHECK(bytes == 10 + 3 * first_read + 5);
    CHECK(ended == 2);
    for (const file_sum& each : sums) CHECK((each.is_done && each.digest == checksum::digest_bytes{}));
}

TEST_CASE("all bytes are reported once, however a file is hashed") {
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{5 * first_read + 1}, {5 * first_read, 2 * first_read + 3, 100}}) {
        const sized_files files(sizes);
        let_times_pass();
        std::size_t bytes = 0;
        file_hasher hasher({.on_read = [&](std::size_t count) { bytes += count; }});
        require_all_right(sums_of(hasher, files.range), files);
        std::size_t all = 0;
        for (const std::size_t size : sizes) all += size;
        CHECK(bytes == all);
    }
}

TEST_CASE("files that cannot be read have an error, and the others a digest") {
    temporary_directory scratch;
    scratch.write("good", "yo\n");
    std::filesystem::create_symlink("good", scratch / "link");
    std::filesystem::create_directory(scratch / "folder");
    const std::string folder = scratch.path() + "/";
    const std::vector<file_sum> sums = sums_of({folder, {"missing", "good", "link", "folder"}});
    CHECK(sums[0].error == std::errc::no_such_file_or_directory);
    CHECK(checksum::hex(sums[1].digest.bytes()) == "f6255bb01c648fe967714d52a89e8e9c");
    CHECK(sums[2].error == std::errc::too_many_symbolic_link_levels); // a regular file when it was listed
    CHECK(sums[3].error == std::errc::is_a_directory);
    for (const file_sum& each : sums) CHECK(each.is_done);

    const std::vector<file_sum> gone = sums_of({scratch.path() + "/no/such/", {"a"}});
    CHECK(gone[0].error == std::errc::no_such_file_or_directory);
    // An operand may be a link.
    CHECK(sums_of({"", {scratch / "link"}, true})[0].error == std::error_code{});
}

TEST_CASE("a file that changes during reading has the error file_fault::changed") {
    const auto change = GENERATE(0, 1, 2);
    temporary_directory scratch;
    const std::string path = scratch.write("file", random_text(4 * first_read, 1));
    const std::string other = scratch.write("other", random_text(4 * first_read, 2));
    const bool alone = GENERATE(true, false);
    CAPTURE(change, alone);
    let_times_pass();
    std::size_t calls = 0;
    file_hasher hasher({.on_read = [&](std::size_t) {
        if (++calls != 4) return;
        if (change == 0) std::ofstream(path, std::ios::app) << "more";
        if (change == 1) std::filesystem::resize_file(path, first_read);
        if (change == 2) {
            std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(10);
            file << "over";
        }
    }});
    const file_range files{scratch.path() + "/", alone ? std::vector<std::string>{"file"}
                                                       : std::vector<std::string>{"file", "other"}};
    const std::vector<file_sum> sums = sums_of(hasher, files);
    CHECK(sums[0].error == checksum::file_fault::changed);
    CHECK(sums[0].error.message() == "file changed while it was read");
    if (!alone) CHECK(sums[1].error == std::error_code{});
}

TEST_CASE("files without a meaningful size: those of the kernel, pipes") {
    const std::string version = "/proc/version";
    std::ifstream file(version);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    CHECK(sums_of({"/proc/", {"version"}})[0].digest == checksum::md5_of(content));

    const temporary_directory scratch;
    const std::string fifo = scratch / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1000}, first_read, 3 * first_read + 77}) {
        const std::string text = random_text(size, 3);
        std::jthread writer([&] { std::ofstream(fifo) << text; });
        const file_sum sum = sums_of({"", {fifo}, true})[0];
        CHECK(!sum.error);
        CHECK(sum.digest == checksum::md5_of(text));
    }
}

TEST_CASE("a pipe that replaces a listed file is an error, without waiting for a writer") {
    const temporary_directory scratch;
    REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
    const file_sum sum = sums_of({scratch.path() + "/", {"fifo"}})[0];
    CHECK(sum.is_done);
    CHECK(sum.error == checksum::file_fault::no_file);
    CHECK(sum.error.message() == "is no longer a regular file");
}

TEST_CASE("a stop ends the wait for a pipe without a writer") {
    const temporary_directory scratch;
    const std::string fifo = scratch / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const bool has_writer : {false, true}) {
        const checksum::descriptor writer(has_writer ? ::open(fifo.c_str(), O_RDWR | O_CLOEXEC) : -1);
        std::atomic<bool> stop{false};
        const std::jthread stopper([&] {
            let_times_pass();
            stop = true;
        });
        file_hasher hasher({.stop = &stop});
        CHECK(!sums_of(hasher, {"", {fifo}, true})[0].is_done);
    }
}

TEST_CASE("after a stop nothing is read: sums are done or not, and none is wrong") {
    const sized_files files({100, 3 * first_read, 200, 4 * first_read, 300});
    let_times_pass();
    for (std::size_t limit = 1; limit < 12; ++limit) {
        std::atomic<bool> stop{false};
        std::size_t calls = 0;
        file_hasher hasher({.on_read = [&](std::size_t) { stop = ++calls >= limit; }, .stop = &stop});
        const std::vector<file_sum> sums = sums_of(hasher, files.range);
        CHECK(calls <= limit + 1); // the read in progress is completed
        for (std::size_t i = 0; i < sums.size(); ++i)
            if (sums[i].is_done) CHECK(sums[i].digest == files.digests[i]);
    }
}

TEST_CASE("data that a pipe delivers in pieces is read once, also by a hasher that leaves large files") {
    const temporary_directory scratch;
    const std::string fifo = scratch / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::size_t size : {std::size_t{6}, first_read, 3 * first_read + 77}) {
        const std::string text = random_text(size, 4);
        std::jthread writer([&] {
            std::ofstream into(fifo);
            for (std::size_t piece = 0; piece < 3; ++piece) {
                into << text.substr(piece * size / 3, (piece + 1) * size / 3 - piece * size / 3)
                     << std::flush;
                let_times_pass(); // so that a read returns this piece alone
            }
        });
        file_hasher hasher({});
        checksum::large_files left{};
        const file_range files{"", {fifo}, true};
        std::vector<file_sum> sums(1);
        hasher.add(files, 0, sums, md5, &left);
        hasher.finish();
        CHECK(left.files.empty());
        const file_sum& sum = sums[0];
        CHECK(sum.is_done);
        CHECK(sum.digest == checksum::md5_of(text));
    }
}

TEST_CASE("an open file is read from its current offset") {
    const temporary_directory scratch;
    const std::string path = scratch.write("file", "first\nsecond\n");
    checksum::descriptor file = checksum::open_path(path, O_RDONLY);
    REQUIRE(::lseek(file.number(), 6, SEEK_SET) == 6);
    file_sum sum;
    file_hasher({}).add(std::move(file), sum, md5);
    CHECK(sum.digest == checksum::md5_of("second\n"));
}

TEST_CASE("other algorithms: files of all sizes, one hasher for several of them, and files that change") {
    const sized_files files({0, 1, 1000, first_read - 1, first_read, 3 * first_read + 5});
    file_hasher hasher({});
    for (const char* const name : {"sha256", "md5", "blake2b512", "sha3-256"}) {
        const checksum::algorithm digest_algorithm(name);
        for (const bool is_old : {false, true}) {
            CAPTURE(name, is_old);
            if (is_old) let_times_pass();
            const std::vector<file_sum> sums = sums_of(hasher, files.range, digest_algorithm);
            for (std::size_t i = 0; i < sums.size(); ++i) {
                checksum::digest_stream stream(digest_algorithm);
                std::ifstream file(files.range.directory + files.range.names[i], std::ios::binary);
                const std::string content{std::istreambuf_iterator<char>(file), {}};
                stream.update(std::as_bytes(std::span(content)));
                CHECK(sums[i].is_done);
                CHECK(sums[i].digest == stream.finish());
            }
        }
    }
}
