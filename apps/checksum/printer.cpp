#include <checksum/printer.hpp>

#include <checksum/complaint.hpp>

#include <cerrno>
#include <cstdio>

namespace checksum {

printer::printer(const output_file& output, apps::progress_line& line)
    : output_{&output}, line_{&line}, is_terminal_{output.is_terminal()} {}

void printer::hide_line() {
    if (!hidden_) hidden_ = line_->hide();
}

void printer::print(const std::string& text) {
    if (text.empty()) return;
    if (is_terminal_) hide_line();
    std::fwrite(text.data(), 1, text.size(), output_->stream());
}

void printer::complain(const std::string& message) {
    hide_line();
    std::fflush(output_->stream());
    checksum::complain(message);
}

void printer::pause() {
    if (is_terminal_) std::fflush(output_->stream());
    if (std::ferror(output_->stream()) != 0)
        throw write_error(errno, std::generic_category(), output_->subject());
    if (hidden_) hidden_.unlock();
    hidden_ = {};
}

} // namespace checksum
