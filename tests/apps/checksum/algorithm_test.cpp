// Guards against: an algorithm under a wrong name, a digest that differs from that of the program openssl,
// and a stream that mixes algorithms or messages.
#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <checksum/algorithm.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using checksum::algorithm;
using checksum::digest_bytes;
using checksum::digest_stream;
using checksum::hex;

namespace {

std::string digest_of(std::string_view message, const algorithm& digest_algorithm) {
    digest_stream stream(digest_algorithm);
    stream.update(std::as_bytes(std::span{message}));
    return hex(stream.finish().bytes());
}

} // namespace

TEST_CASE("names: any of OpenSSL's, in upper and lower case, and b2sum's") {
    struct naming {
        const char* given;
        const char* name;
        const char* tag;
        std::size_t size;
    };
    for (const naming& each :
         {naming{"md5", "md5", "MD5", 16}, naming{"MD5", "md5", "MD5", 16},
          naming{"SSL3-MD5", "md5", "MD5", 16}, naming{"sha1", "sha1", "SHA1", 20},
          naming{"SHA-1", "sha1", "SHA1", 20}, naming{"SHA2-256", "sha256", "SHA256", 32},
          naming{"sha512", "sha512", "SHA512", 64}, naming{"SHA-512/256", "sha512-256", "SHA512-256", 32},
          naming{"sha3-256", "sha3-256", "SHA3-256", 32}, naming{"blake2b512", "blake2b512", "BLAKE2b", 64},
          naming{"BLAKE2B-512", "blake2b512", "BLAKE2b", 64}, naming{"BLAKE2b", "blake2b512", "BLAKE2b", 64},
          naming{"ripemd", "rmd160", "RMD160", 20}, naming{"shake256", "shake256", "SHAKE256", 32}}) {
        INFO(each.given);
        const algorithm found(each.given);
        CHECK(found.name() == each.name);
        CHECK(found.tag() == each.tag);
        CHECK(found.size() == each.size);
        CHECK(found.is_md5() == (found.name() == "md5"));
        CHECK(algorithm(found.tag()) == found); // a tag in a manifest finds its algorithm
    }
}

TEST_CASE("an unknown name is an error that names it and the available ones") {
    for (const char* const name : {"", "md6", "NULL", "sha256 ", "no such"})
        CHECK_THROWS_WITH(algorithm(name),
                          Catch::StartsWith("no digest algorithm '" + std::string(name) + "'; available: ") &&
                              Catch::Contains(" md5 ") && Catch::Contains(" sha3-256 "));
}

TEST_CASE("every listed algorithm computes what the program openssl does, and is found by its tag") {
    const test_support::temporary_directory scratch;
    const std::string path = scratch.write("message", "some message\n");
    const std::vector<std::string> names = checksum::algorithm_names();
    CHECK(std::ranges::is_sorted(names));
    for (const char* const name : {"md5", "sha1", "sha256", "sha512", "sha3-256", "blake2b512"})
        CHECK(std::ranges::find(names, name) != names.end());
    std::size_t compared = 0;
    for (const std::string& name : names) {
        INFO(name);
        const algorithm found(name);
        CHECK(found.name() == name);
        CHECK(algorithm(found.tag()) == found);
        const auto [output, status] = test_support::run_program({"openssl", "dgst", "-r", "-" + name, path});
        if (status != 0) continue;
        ++compared;
        CHECK(output.substr(0, output.find(' ')) == digest_of("some message\n", found));
    }
    if (compared == 0) WARN("the program openssl gives no digest: none was compared");
}

TEST_CASE("a stream: pieces, consecutive messages, and a discarded message") {
    // FIPS 180-2, appendix B.1.
    const std::string of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const algorithm sha256("sha256");
    const auto bytes_of = [](std::string_view text) { return std::as_bytes(std::span{text}); };
    digest_stream stream(sha256);
    CHECK(stream.digest_algorithm() == sha256);
    stream.update(bytes_of("a"));
    stream.update(bytes_of("bc"));
    CHECK(hex(stream.finish().bytes()) == of_abc);
    stream.update(bytes_of("to be forgotten"));
    stream.restart();
    stream.update(bytes_of("abc"));
    digest_stream moved = std::move(stream);
    CHECK(hex(moved.finish().bytes()) == of_abc);
}

TEST_CASE("digests are equal if their lengths and bytes are") {
    const std::array<std::uint8_t, 2> two{1, 0};
    const std::array<std::uint8_t, 1> one{1};
    CHECK(digest_bytes(two) == digest_bytes(two));
    CHECK(!(digest_bytes(two) == digest_bytes(one)));
    CHECK(!(digest_bytes() == digest_bytes(one)));
    CHECK(digest_bytes(two).bytes().size() == 2);
    CHECK(hex(std::array<std::uint8_t, 4>{0x00, 0x0a, 0xa0, 0xff}) == "000aa0ff");
}
