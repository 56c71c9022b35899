#pragma once

#include <checksum/file_hasher.hpp>
#include <checksum/file_list.hpp>
#include <checksum/file_sums.hpp>
#include <checksum/text_lines.hpp>
#include <spmd_sum/request.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spmd_sum {

/// Turns the operands of a request into batches for sum_files(), in the order given.
class operand_stream {
public:
    /// Requires: `wanted`, `digest_algorithm` and what `reading` refers to outlive the object.
    /// Throws: std::system_error if the file of names cannot be opened, its message "PATH: REASON".
    operand_stream(const request& wanted, const checksum::algorithm& digest_algorithm,
                   checksum::hasher_options reading);

    /// Fills an empty batch; false at the end of the operands, and after a stop. An operand "-" is read here,
    /// each from the offset where the one before ended.
    /// Blocks: on standard input, if it is an operand or the file of names.
    [[nodiscard]] bool next(checksum::file_batch& batch);
    /// Returns true if an operand or an entry of a tree could not be listed.
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }

private:
    [[nodiscard]] bool is_stopped() const noexcept {
        return reading_.stop != nullptr && reading_.stop->load();
    }
    bool next_range(checksum::file_batch& batch);
    bool next_of_tree(checksum::file_batch& batch);
    /// The current operand, until current_ is reset; null at the end.
    const std::string* peek(checksum::file_batch& batch);
    std::optional<std::string> next_given();
    std::optional<std::string> next_listed(checksum::file_batch& batch);
    void fail(checksum::file_batch& batch, std::string remark);

    const request* wanted_;
    const checksum::algorithm* algorithm_;
    checksum::hasher_options reading_;
    std::optional<checksum::text_lines> names_; // for --files0-from
    std::size_t taken_ = 0;                     // number of operands or names so far
    std::optional<std::string> current_;
    std::optional<checksum::tree_lister> tree_;
    std::string root_;
    bool has_failed_ = false;
};

/// Describes the entries left out of a tree, one remark for each kind.
[[nodiscard]] std::vector<std::string> remarks_on(const std::string& root,
                                                  const checksum::listing_counts& counts);

/// Adds "-" to a batch, with the sum of the rest of standard input. Blocks: on standard input.
void add_standard_input(checksum::file_batch& batch, const checksum::hasher_options& reading);

} // namespace spmd_sum
