#include <checksum/md5sum_line.hpp>

namespace checksum {
namespace {

std::string escaped(std::string_view name) {
    std::string text;
    text.reserve(2 * name.size());
    for (const char character : name) {
        switch (character) {
            case '\\': text += "\\\\"; break;
            case '\n': text += "\\n"; break;
            case '\r': text += "\\r"; break;
            default: text += character; break;
        }
    }
    return text;
}

} // namespace

std::string md5sum_line(const md5& digest, std::string_view name) {
    const std::string text = escaped(name);
    std::string line = text == name ? "" : "\\";
    line += hex(digest);
    line += "  ";
    line += text;
    line += '\n';
    return line;
}

} // namespace checksum
