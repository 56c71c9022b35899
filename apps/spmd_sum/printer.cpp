#include <spmd_sum/printer.hpp>

#include <spmd_sum/complaint.hpp>

#include <cerrno>
#include <cstdio>
#include <mutex>

namespace spmd_sum {

printer::printer(const output_file& output, apps::progress_line& line)
    : output_{&output}, line_{&line}, is_terminal_{output.is_terminal()} {}

void printer::remember_if(bool failed) noexcept {
    if (failed && error_ == 0) error_ = errno;
}

void printer::flush() { remember_if(std::fflush(output_->stream()) != 0); }

void printer::print(const std::string& text) {
    if (text.empty()) return;
    const auto hidden = is_terminal_ ? line_->hide() : std::unique_lock<std::timed_mutex>();
    remember_if(std::fwrite(text.data(), 1, text.size(), output_->stream()) != text.size());
    if (is_terminal_) flush();
}

void printer::complain(const std::string& message) {
    const auto hidden = line_->hide();
    flush();
    spmd_sum::complain(message);
}

void printer::pause() {
    flush();
    if (error_ != 0) throw write_error(error_, std::generic_category(), output_->subject());
}

} // namespace spmd_sum
