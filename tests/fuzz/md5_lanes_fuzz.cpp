// Cuts messages of any lengths out of the input: their MD5 in lanes equals OpenSSL's, for every target of
// this processor, at once and in pieces.
#include <checksum/digest.hpp>
#include <checksum/md5_lanes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

using checksum::md5;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Splits the input into messages, each preceded by its length in two bytes.
std::vector<std::span<const std::byte>> messages_in(std::span<const std::byte> input) {
    constexpr std::size_t most = 200;
    std::vector<std::span<const std::byte>> messages;
    while (input.size() >= 2 && messages.size() < most) {
        const std::size_t wanted =
            std::to_integer<std::size_t>(input[0]) | std::to_integer<std::size_t>(input[1]) << 8U;
        input = input.subspan(2);
        const std::size_t size = std::min(wanted, input.size());
        messages.push_back(input.first(size));
        input = input.subspan(size / 2); // so that messages overlap and begin at any address
    }
    return messages;
}

/// Checks MD5 in two steps: whole blocks first, then the rest with its padding.
void require_in_pieces(std::span<const std::span<const std::byte>> messages, std::span<const md5> expected,
                       checksum::md5_target target) {
    std::vector<checksum::md5_state> states(messages.size(), checksum::md5_begin);
    std::vector<checksum::md5_run> runs;
    for (std::size_t i = 0; i < messages.size(); ++i)
        runs.push_back({&states[i], messages[i].data(), messages[i].size() / checksum::md5_block_size});
    checksum::md5_advance(runs, target);
    std::vector<std::vector<std::byte>> tails;
    runs.clear();
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const auto rest =
            messages[i].subspan(messages[i].size() / checksum::md5_block_size * checksum::md5_block_size);
        std::vector<std::byte>& tail = tails.emplace_back(rest.begin(), rest.end());
        tail.resize(rest.size() + checksum::md5_message::padding_room);
        const std::size_t padded = rest.size() + checksum::md5_pad(&tail[rest.size()], messages[i].size());
        runs.push_back({&states[i], tail.data(), padded / checksum::md5_block_size});
    }
    checksum::md5_advance(runs, target);
    for (std::size_t i = 0; i < messages.size(); ++i) require(checksum::md5_digest(states[i]) == expected[i]);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto messages = messages_in(std::as_bytes(std::span(bytes, size)));
    std::vector<md5> expected;
    for (const auto message : messages) expected.push_back(checksum::md5_of(message));
    for (const checksum::md5_target target : checksum::md5_targets()) {
        std::vector<md5> digests(messages.size());
        checksum::md5_of_each(messages, digests, target);
        require(digests == expected);
        require_in_pieces(messages, expected, target);
    }
    return 0;
}
