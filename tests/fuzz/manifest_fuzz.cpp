// The manifest parser accepts any bytes; an entry it accepts, written as a line, is parsed to the same entry.
#include <checksum/manifest.hpp>
#include <checksum/sum_line.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace {

using checksum::manifest_entry;

void require(bool holds) {
    if (!holds) std::abort();
}

void require_same(const manifest_entry& entry, const checksum::manifest_format& format) {
    const bool is_tagged = !entry.tag.empty();
    std::string line;
    checksum::append_sum_line(line, entry.digest.bytes(), entry.name, entry.tag,
                              {.is_tagged = is_tagged, .is_zero_ended = format.is_zero_ended});
    require(line.ends_with(format.is_zero_ended ? '\0' : '\n'));
    line.pop_back();
    checksum::manifest_parser parser(format);
    const std::optional<manifest_entry> again = parser.parse(line);
    require(again.has_value() && *again == entry);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0) return 0;
    // The first byte chooses the line ends and the digests' size, like options of the tool.
    const checksum::manifest_format format{.is_zero_ended = (bytes[0] & 1U) != 0,
                                           .digest_size = (bytes[0] & 2U) != 0 ? 2U : 16U};
    const char end = format.is_zero_ended ? '\0' : '\n';
    std::string_view rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    checksum::manifest_parser parser(format);
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find(end));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (const auto entry = parser.parse(line)) require_same(*entry, format);
    }
    return 0;
}
