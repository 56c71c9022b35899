// Guards that lanes change no digest, compared with OpenSSL and RFC 1321's examples: every target, every
// length around the edges of blocks and padding, mixed lengths, more and fewer messages than lanes, buffers
// at any address.
#include <checksum/digest.hpp>
#include <checksum/md5_lanes.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using checksum::md5;
using checksum::md5_message;
using checksum::md5_target;
using bytes = std::span<const std::byte>;

bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 draw(seed);
    std::vector<std::byte> all(size);
    std::ranges::generate(all, [&] { return static_cast<std::byte>(draw()); });
    return all;
}

std::vector<md5> expected_of(const std::vector<bytes>& messages) {
    std::vector<md5> all;
    std::ranges::transform(messages, std::back_inserter(all),
                           [](bytes each) { return checksum::md5_of(each); });
    return all;
}

std::vector<md5> digests_of(const std::vector<bytes>& messages, md5_target target) {
    std::vector<md5> digests(messages.size());
    checksum::md5_of_each(messages, digests, target);
    return digests;
}

/// As md5_of_each(), from separate buffers with exactly the required room.
std::vector<md5> padded_digests_of(const std::vector<bytes>& messages, md5_target target) {
    std::vector<std::vector<std::byte>> buffers;
    std::vector<md5_message> padded;
    for (const bytes each : messages) {
        std::vector<std::byte>& buffer = buffers.emplace_back(each.begin(), each.end());
        buffer.resize(each.size() + md5_message::padding_room, std::byte{0xaa});
        padded.push_back({buffer.data(), each.size()});
    }
    std::vector<md5> digests(messages.size());
    checksum::md5_of_each(padded, digests, target);
    return digests;
}

void require_all_right(const std::vector<bytes>& messages) {
    const std::vector<md5> expected = expected_of(messages);
    for (const md5_target target : checksum::md5_targets()) {
        INFO(checksum::name_of(target) << ", " << messages.size() << " messages");
        REQUIRE(digests_of(messages, target) == expected);
        REQUIRE(padded_digests_of(messages, target) == expected);
    }
}

} // namespace

TEST_CASE("the examples of RFC 1321, in lanes beside each other") {
    const std::vector<std::string_view> texts{
        "",
        "a",
        "abc",
        "message digest",
        "abcdefghijklmnopqrstuvwxyz",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890"};
    const std::vector<std::string> expected{
        "d41d8cd98f00b204e9800998ecf8427e", "0cc175b9c0f1b6a831c399e269772661",
        "900150983cd24fb0d6963f7d28e17f72", "f96b697d7cb7938d525a2f31aaf161d0",
        "c3fcd3d76192e4007dfb496cca67e13b", "d174ab98d277d9f5a5611c2c9f419d9f",
        "57edf4a22be3c955ac49da2e2107b67a"};
    std::vector<bytes> messages;
    std::ranges::transform(texts, std::back_inserter(messages), as_bytes);
    for (const md5_target target : checksum::md5_targets()) {
        std::vector<std::string> digests;
        std::ranges::transform(digests_of(messages, target), std::back_inserter(digests), checksum::hex);
        CHECK(digests == expected);
    }
}

TEST_CASE("every length from 0 to 129, at every address within a block") {
    const std::vector<std::byte> content = random_bytes(512, 1);
    for (std::size_t offset = 0; offset < 64; offset += 7) {
        std::vector<bytes> messages;
        for (std::size_t size = 0; size < 130; ++size)
            messages.push_back(bytes(content).subspan(offset, size));
        require_all_right(messages);
    }
}

TEST_CASE("any number of messages, from none to more than all lanes") {
    const std::vector<std::byte> content = random_bytes(4096, 2);
    for (std::size_t count = 0; count <= 2 * 64 + 3; ++count)
        require_all_right(std::vector<bytes>(count, bytes(content).first(1000 + count)));
}

TEST_CASE("lengths that differ by much: log-normal, a huge one among small ones, falling and rising") {
    const std::vector<std::byte> content = random_bytes(std::size_t{1} << 20, 3);
    std::mt19937_64 draw(4);
    std::lognormal_distribution<double> size(std::log(2000.0), 2.0);
    for (int round = 0; round < 20; ++round) {
        std::vector<bytes> messages;
        for (std::size_t i = 0, count = draw() % 300; i < count; ++i) {
            const std::size_t length = std::min(static_cast<std::size_t>(size(draw)), content.size() / 2);
            messages.push_back(bytes(content).subspan(draw() % (content.size() - length), length));
        }
        require_all_right(messages);
    }
    std::vector<bytes> messages{bytes(content)};
    for (std::size_t i = 0; i < 200; ++i) messages.push_back(bytes(content).first(i * 37));
    require_all_right(messages);
    std::ranges::reverse(messages);
    require_all_right(messages);
}

TEST_CASE("a message in pieces, whose state is kept between them") {
    const std::vector<std::byte> content = random_bytes(64 * 50, 5);
    for (const md5_target target : checksum::md5_targets()) {
        std::vector<checksum::md5_state> states(40, checksum::md5_begin);
        for (std::size_t done = 0; done < 50;) {
            const std::size_t count = std::min<std::size_t>(1 + done % 7, 50 - done);
            std::vector<checksum::md5_run> runs;
            for (checksum::md5_state& each : states) runs.push_back({&each, &content[64 * done], count});
            checksum::md5_advance(runs, target);
            done += count;
        }
        std::vector<std::byte> tail(checksum::md5_message::padding_room);
        REQUIRE(checksum::md5_pad(tail.data(), content.size()) == 64);
        for (checksum::md5_state& each : states) {
            checksum::md5_run last{&each, tail.data(), 1};
            checksum::md5_advance({&last, 1}, target);
            CHECK(checksum::md5_digest(each) == checksum::md5_of(content));
        }
    }
}

TEST_CASE("a message of more than 2^16 blocks") {
    const std::vector<std::byte> content = random_bytes(64 * 70'000 + 5, 7);
    require_all_right({bytes(content), bytes(content).subspan(1), bytes(content).first(100)});
}

TEST_CASE("padding ends in the length in bits, modulo 2^64, low byte first") {
    // RFC 1321, 3.2. 2^33 + 5 bytes are 2^36 + 40 bits; 2^61 + 1 bytes are 8 bits modulo 2^64.
    std::vector<std::byte> room(checksum::md5_message::padding_room);
    const auto length_of = [&](std::uint64_t size) {
        const std::size_t written = checksum::md5_pad(room.data(), size);
        CHECK((size + written) % 64 == 0);
        CHECK(room[0] == std::byte{0x80});
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < 8; ++i)
            bits |= static_cast<std::uint64_t>(room[written - 8 + i]) << (8 * i);
        return bits;
    };
    CHECK(length_of(0) == 0);
    CHECK(length_of(55) == 440);
    CHECK(length_of(56) == 448);
    CHECK(length_of((std::uint64_t{1} << 33) + 5) == (std::uint64_t{1} << 36) + 40);
    CHECK(length_of((std::uint64_t{1} << 61) + 1) == 8);
}

TEST_CASE("padding stays within its room") {
    for (std::size_t size = 0; size < 130; ++size) {
        std::vector<std::byte> buffer(size + md5_message::padding_room + 8, std::byte{0x5a});
        const std::size_t written = checksum::md5_pad(&buffer[size], size);
        CHECK(written <= md5_message::padding_room);
        for (std::size_t i = size + written; i < buffer.size(); ++i) REQUIRE(buffer[i] == std::byte{0x5a});
    }
}

TEST_CASE("a run without blocks changes nothing, and occupies no lane") {
    const std::vector<std::byte> content = random_bytes(640, 6);
    for (const md5_target target : checksum::md5_targets()) {
        checksum::md5_state idle = checksum::md5_begin;
        checksum::md5_state busy = checksum::md5_begin;
        std::vector<checksum::md5_run> runs{
            {&idle, nullptr, 0}, {&busy, content.data(), 10}, {&idle, nullptr, 0}};
        checksum::md5_advance(runs, target);
        CHECK(idle == checksum::md5_begin);
        CHECK(busy != checksum::md5_begin);
    }
}

TEST_CASE("targets: scalar is always available, and each has more lanes than the one before") {
    const auto targets = checksum::md5_targets();
    REQUIRE(!targets.empty());
    CHECK(targets.front() == md5_target::scalar);
#if defined(__x86_64__)
    const std::string flags = [] {
        std::ifstream file("/proc/cpuinfo");
        std::string line;
        while (std::getline(file, line) && !line.starts_with("flags")) {
        }
        return line + ' ';
    }();
    const auto has = [&](const std::string& flag) {
        return flags.find(' ' + flag + ' ') != std::string::npos;
    };
    const bool has_avx2 = has("avx2") && has("bmi2") && has("fma");
    CHECK(std::ranges::count(targets, md5_target::sse4) == (has("sse4_2") && has("aes") ? 1 : 0));
    CHECK(std::ranges::count(targets, md5_target::avx2) == (has_avx2 ? 1 : 0));
    CHECK(std::ranges::count(targets, md5_target::avx512) ==
          (has_avx2 && has("avx512bw") && has("avx512dq") && has("avx512vl") ? 1 : 0));
#endif
    for (std::size_t i = 1; i < targets.size(); ++i)
        CHECK(checksum::md5_lanes(targets[i - 1]) < checksum::md5_lanes(targets[i]));
    CHECK(checksum::md5_lanes() == checksum::md5_lanes(targets.back()));
}
