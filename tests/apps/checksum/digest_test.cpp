// Guards against: a wrong digest for any length (padding, block edges, the reader's block edges), for any
// division of a message into pieces, or because threads or messages share a context; bytes left over from a
// message that failed; an error with an OpenSSL without MD5.

#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <checksum/digest.hpp>
#include <checksum/md5_lanes.hpp>

#include <catch2/catch.hpp>
#include <openssl/provider.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <random>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using checksum::hex;
using checksum::md5;
using checksum::md5_of;
using checksum::md5_of_file;
using checksum::md5_stream;
using test_support::temporary_directory;

static_assert(std::is_trivially_copyable_v<md5> && std::is_trivially_default_constructible_v<md5>);
static_assert(std::is_nothrow_move_constructible_v<md5_stream> && !std::is_copy_constructible_v<md5_stream>);

namespace {

/// While set, a file yields its first bytes and then fails, like a disk with a bad sector.
bool second_read_fails = false;
int reads = 0;

} // namespace

/// Replaces the C library's function in this test program.
extern "C" ssize_t read(int descriptor, void* buffer, std::size_t size) {
    if (second_read_fails && ++reads == 2) {
        errno = EIO;
        return -1;
    }
    return ::syscall(SYS_read, descriptor, buffer, size);
}

namespace {

std::string random_bytes(std::size_t size, unsigned seed = 1) {
    std::mt19937_64 generator{seed};
    std::string bytes(size, '\0');
    std::ranges::generate(bytes, [&] { return static_cast<char>(generator() & 0xffU); });
    return bytes;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

/// Digests that the program md5sum prints for `paths`, none of which needs escaping.
std::vector<std::string> digests_by_md5sum(const std::vector<std::string>& paths) {
    std::vector<std::string> arguments{"md5sum", "--"};
    arguments.insert(arguments.end(), paths.begin(), paths.end());
    const auto [output, status] = test_support::run_program(arguments);
    REQUIRE(status == 0);
    std::vector<std::string> digests;
    for (std::size_t begin = 0; begin < output.size(); begin = output.find('\n', begin) + 1) {
        digests.push_back(output.substr(begin, 32));
    }
    REQUIRE(digests.size() == paths.size());
    return digests;
}

} // namespace

TEST_CASE("md5 of RFC 1321's test suite") {
    const std::vector<std::pair<std::string, std::string>> suite{
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    temporary_directory scratch;
    for (const auto& [message, digest] : suite) {
        CAPTURE(message);
        CHECK(hex(md5_of(message)) == digest);
        CHECK(hex(md5_of(bytes_of(message))) == digest);
        CHECK(hex(md5_of_file(scratch.write("message", message))) == digest);
    }
}

TEST_CASE("md5_of and md5_of_file agree with md5sum for every kind of length") {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 129; ++size) sizes.push_back(size);
    for (unsigned power = 8; power <= 20; ++power) {
        const std::size_t edge = std::size_t{1} << power;
        sizes.insert(sizes.end(), {edge - 1, edge, edge + 1});
    }
    sizes.push_back(std::size_t{32} << 20U);

    temporary_directory scratch;
    std::vector<std::string> paths;
    std::vector<std::string> of_memory;
    for (const std::size_t size : sizes) {
        const std::string content = random_bytes(size);
        paths.push_back(scratch.write(std::to_string(size), content));
        of_memory.push_back(hex(md5_of(content)));
    }
    const std::vector<std::string> expected = digests_by_md5sum(paths);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        CAPTURE(sizes[i]);
        CHECK(of_memory[i] == expected[i]);
        CHECK(hex(md5_of_file(paths[i])) == expected[i]);
    }
}

TEST_CASE("md5_stream computes the same digest for any division of the message") {
    // Computed by md5sum.
    const std::string message = random_bytes(200);
    temporary_directory scratch;
    const std::string expected = digests_by_md5sum({scratch.write("message", message)}).front();

    md5_stream stream;
    for (std::size_t first = 0; first <= message.size(); ++first) {
        for (std::size_t second = first; second <= message.size(); ++second) {
            stream.update(bytes_of(message).first(first));
            stream.update(bytes_of(message).subspan(first, second - first));
            stream.update(bytes_of(message).subspan(second));
            if (hex(stream.finish()) != expected) FAIL("cut at " << first << " and " << second);
        }
    }
}

TEST_CASE("md5_stream begins a new message after finish and after restart") {
    const std::string of_nothing = "d41d8cd98f00b204e9800998ecf8427e";
    const std::string of_abc = "900150983cd24fb0d6963f7d28e17f72";
    md5_stream stream;
    CHECK(hex(stream.finish()) == of_nothing);
    stream.update(bytes_of("abc"));
    CHECK(hex(stream.finish()) == of_abc);
    CHECK(hex(stream.finish()) == of_nothing);
    stream.update(bytes_of("to be forgotten"));
    stream.restart();
    stream.update(bytes_of("abc"));
    CHECK(hex(stream.finish()) == of_abc);
}

TEST_CASE("md5_stream keeps its message through a move and beside other messages of the thread") {
    md5_stream stream;
    stream.update(bytes_of("a"));
    CHECK(hex(md5_of("a")) == "0cc175b9c0f1b6a831c399e269772661");
    md5_stream moved = std::move(stream);
    moved.update(bytes_of("bc"));
    CHECK(hex(moved.finish()) == "900150983cd24fb0d6963f7d28e17f72");
}

TEST_CASE("md5_of_file throws when reading fails in the middle, and leaves no state behind") {
    temporary_directory scratch;
    const std::string path = scratch.write("file", "the beginning");
    second_read_fails = true;
    CHECK_THROWS_WITH(md5_of_file(path), path + ": Input/output error");
    second_read_fails = false;
    CHECK(reads == 2);
    CHECK(hex(md5_of("abc")) == "900150983cd24fb0d6963f7d28e17f72");
}

TEST_CASE("threads that hash at once do not disturb each other") {
    constexpr unsigned thread_count = 8;
    constexpr unsigned message_count = 64;
    temporary_directory scratch;
    std::vector<std::string> contents;
    std::vector<std::string> paths;
    for (unsigned i = 0; i < message_count; ++i) {
        contents.push_back(random_bytes(std::size_t{i} * i * 97, i));
        paths.push_back(scratch.write(std::to_string(i), contents.back()));
    }
    const std::vector<std::string> expected = digests_by_md5sum(paths);

    std::atomic<unsigned> wrong = 0;
    {
        std::vector<std::jthread> threads;
        threads.reserve(thread_count);
        for (unsigned thread = 0; thread < thread_count; ++thread) {
            threads.emplace_back([&, thread] {
                for (unsigned k = 0; k < message_count; ++k) {
                    const unsigned i = (k + thread) % message_count;
                    if (hex(md5_of(contents[i])) != expected[i]) ++wrong;
                    if (hex(md5_of_file(paths[i])) != expected[i]) ++wrong;
                }
            });
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("hex has two lower-case digits per byte, in order") {
    CHECK(hex(md5{0x00, 0x01, 0x0a, 0x10, 0xa0, 0xff, 0x7f, 0x80}) == "00010a10a0ff7f800000000000000000");
}

// Hidden: it leaves its process without other digests, so the next case runs it in a process of its own.
TEST_CASE("without a provider, MD5 is still computed", "[.][without_md5]") {
    OSSL_PROVIDER* const without_digests =
        OSSL_PROVIDER_load(nullptr, "base"); // keeps the default one from being loaded
    REQUIRE(without_digests != nullptr);
    CHECK(hex(md5_of("abc")) == "900150983cd24fb0d6963f7d28e17f72"); // RFC 1321, A.5
    CHECK(hex(md5_of("")) == "d41d8cd98f00b204e9800998ecf8427e");
    // In lanes, which need no provider.
    std::mt19937_64 draw(7);
    const std::string text(1000, 'x');
    const auto message = std::as_bytes(std::span(text));
    checksum::md5_stream stream;
    for (std::size_t size = 0; size <= text.size(); size += 37) {
        for (auto rest = message.first(size); !rest.empty();) {
            const auto piece = rest.first(std::min<std::size_t>(1 + draw() % 150, rest.size()));
            stream.update(piece);
            rest = rest.subspan(piece.size());
        }
        std::array<checksum::md5, 1> expected{};
        checksum::md5_of_each(std::array{message.first(size)}, expected);
        CHECK(stream.finish() == expected[0]);
    }
    CHECK_THROWS_AS(checksum::algorithm("sha256"), checksum::unknown_algorithm);
    OSSL_PROVIDER_unload(without_digests);
}

TEST_CASE("a process without MD5 still computes its digests") {
    const auto [output, status] = test_support::run_program({"/proc/self/exe", "[without_md5]"});
    CAPTURE(output);
    CHECK(status == 0);
    CHECK_THAT(output, Catch::Contains("1 test case"));
}
