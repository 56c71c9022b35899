#pragma once

#include <checksum/file_sums.hpp>
#include <checksum/printer.hpp>
#include <checksum/request.hpp>

#include <string>

namespace checksum {

/// Prints sums as they come.
class sum_printer {
public:
    sum_printer(const request& wanted, const algorithm& by, printer& to);

    /// Prints up to the first sum that is not done: a signal has come, and what is printed is a prefix.
    void print(const file_batch& batch);
    bool all_good() const noexcept { return all_good_; }

private:
    void print(const std::string& name, const file_sum& sum);

    const request* wanted_;
    const algorithm* by_;
    std::string tag_;
    printer* to_;
    std::string text_;
    bool all_good_ = true;
    bool is_over_ = false;
};

} // namespace checksum
