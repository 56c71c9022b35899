#include <checksum/text_lines.hpp>

#include <checksum/descriptor.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

file_reader open_file(const std::string& path, const std::string& name, const std::atomic<bool>* stop) {
    if (path != "-") return file_reader{path, stop};
    descriptor own{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)};
    if (own.number() < 0) throw std::system_error{errno, std::generic_category(), name};
    return file_reader{std::move(own), name, stop};
}

} // namespace

text_lines::text_lines(const std::string& path, char end, const std::atomic<bool>* stop)
    : name_{path == "-" ? "standard input" : path}, file_{open_file(path, name_, stop)}, end_{end} {}

std::optional<std::string_view> text_lines::next() {
    line_.clear();
    while (true) {
        if (block_.empty()) block_ = file_.next_block();
        if (block_.empty()) return line_.empty() ? std::nullopt : std::optional<std::string_view>(line_);
        const std::string_view block(reinterpret_cast<const char*>(block_.data()), block_.size());
        const std::string_view rest = block.substr(0, block.find(end_));
        const bool is_whole = rest.size() < block.size();
        block_ = block_.subspan(is_whole ? rest.size() + 1 : rest.size());
        if (is_whole && line_.empty()) return rest;
        line_.append(rest);
        if (is_whole) return line_;
    }
}

} // namespace checksum
