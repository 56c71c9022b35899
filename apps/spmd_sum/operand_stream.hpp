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

/// What the operands of a request name, in their order, as batches for sum_files.
class operand_stream {
public:
    /// `wanted`, `by` and what `reading` refers to stay where they are. Throws: std::system_error where the file of names
    /// cannot be opened, its message "PATH: REASON".
    operand_stream(const request& wanted, const checksum::algorithm& by, checksum::hasher_options reading);

    /// Fills an empty batch; false when all were given, or after a stop. Blocks: on standard input where it is an operand, which is read at
    /// once: each "-" goes on where the one before ended.
    [[nodiscard]] bool next(checksum::file_batch& batch);
    /// True where something could not be listed.
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }

private:
    [[nodiscard]] bool is_stopped() const noexcept {
        return reading_.stop != nullptr && reading_.stop->load();
    }
    bool next_range(checksum::file_batch& batch);
    bool next_of_tree(checksum::file_batch& batch);
    /// The operand that is looked at, until current_ is reset; null at their end.
    const std::string* peek(checksum::file_batch& batch);
    std::optional<std::string> next_given();
    std::optional<std::string> next_listed(checksum::file_batch& batch);
    void fail(checksum::file_batch& batch, std::string remark);

    const request* wanted_;
    const checksum::algorithm* by_;
    checksum::hasher_options reading_;
    std::optional<checksum::text_lines> names_; // where they come from a file
    std::size_t at_ = 0;                        // how many were taken
    std::optional<std::string> current_;
    std::optional<checksum::tree_lister> tree_;
    std::string root_;
    bool has_failed_ = false;
};

/// What was left out of a tree, a remark for each kind.
[[nodiscard]] std::vector<std::string> remarks_on(const std::string& root,
                                                  const checksum::listing_counts& counts);

/// Adds "-" to a batch, with the sum of what standard input still has to give. Blocks: on that.
void add_standard_input(checksum::file_batch& batch, const checksum::hasher_options& reading);

} // namespace spmd_sum
