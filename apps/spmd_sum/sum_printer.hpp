#pragma once

#include <checksum/file_sums.hpp>
#include <spmd_sum/printer.hpp>
#include <spmd_sum/request.hpp>

#include <string>

namespace spmd_sum {

/// Prints sums as they come.
class sum_printer {
public:
    sum_printer(const request& wanted, const checksum::algorithm& by, printer& to);

    /// Prints up to the first sum that is not done: a signal has come, and what is printed is a prefix.
    void print(const checksum::file_batch& batch);
    bool all_good() const noexcept { return all_good_; }

private:
    void print(const std::string& name, const checksum::file_sum& sum);

    const request* wanted_;
    const checksum::algorithm* by_;
    std::string tag_;
    printer* to_;
    std::string text_;
    bool all_good_ = true;
    bool is_over_ = false;
};

} // namespace spmd_sum
