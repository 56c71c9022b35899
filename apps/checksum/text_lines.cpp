#include <checksum/text_lines.hpp>

#include <checksum/descriptor.hpp>
#include <checksum/file_list.hpp>

#include <fcntl.h>
#include <sys/stat.h>
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

bool is_shared_with_standard_input(const std::string& path) {
    if (path == "-") return true;
    const std::optional<struct stat> status = status_at(path);
    struct stat input{};
    return status && !S_ISREG(status->st_mode) && ::fstat(STDIN_FILENO, &input) == 0 &&
           identity_of(*status) == identity_of(input);
}

} // namespace

text_lines::text_lines(const std::string& path, char end, const std::atomic<bool>* stop)
    : name_{path == "-" ? "standard input" : path}, file_{open_file(path, name_, stop)},
      shares_standard_input_{is_shared_with_standard_input(path)}, end_{end} {}

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
