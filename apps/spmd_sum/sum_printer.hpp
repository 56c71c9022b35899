#pragma once

#include <checksum/file_sums.hpp>
#include <spmd_sum/printer.hpp>
#include <spmd_sum/request.hpp>

#include <string>

namespace spmd_sum {

/// Prints sums as lines or JSON, in the order of the batches.
class sum_printer {
public:
    /// Requires: the arguments outlive the object.
    sum_printer(const request& wanted, const checksum::algorithm& digest_algorithm, printer& to);

    /// Prints a batch up to the first sum that is not done, and nothing after it: a stop leaves a prefix of
    /// the output.
    void print(const checksum::file_batch& batch);
    /// Returns true if every file so far could be summed.
    bool all_good() const noexcept { return all_good_; }

private:
    void print(const std::string& name, const checksum::file_sum& sum);

    const request* wanted_;
    const checksum::algorithm* algorithm_;
    std::string tag_;
    printer* to_;
    std::string text_;
    bool all_good_ = true;
    bool is_over_ = false;
};

} // namespace spmd_sum
