// Every file name is restored from the line written for it, in every format.
#include <checksum/manifest.hpp>
#include <checksum/sum_line.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string name(reinterpret_cast<const char*>(bytes), size);
    if (name.empty() || name.find('\0') != std::string::npos) return 0; // not a file name
    std::string escaped;
    checksum::append_escaped(escaped, name);
    require(escaped.find_first_of("\n\r") == std::string::npos);
    require(checksum::unescaped(escaped) == name);
    require(checksum::is_escaped(name) == (escaped != name));

    const std::array<std::uint8_t, 16> digest{0, 0x0f, 0xf0, 0xff, static_cast<std::uint8_t>(size)};
    for (const bool is_tagged : {false, true})
        for (const bool is_binary : {false, true})
            for (const bool is_zero_ended : {false, true}) {
                std::string line;
                checksum::append_sum_line(line, digest, name, "MD5", {is_tagged, is_binary, is_zero_ended});
                require(line.find(is_zero_ended ? '\0' : '\n') == line.size() - 1);
                line.pop_back();
                checksum::manifest_parser parser({.is_zero_ended = is_zero_ended});
                const auto entry = parser.parse(line);
                require(entry && entry->name == name && entry->digest == checksum::digest_bytes(digest));
                require(entry->tag == (is_tagged ? "MD5" : ""));
            }
    return 0;
}
