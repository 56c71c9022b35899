#include <spmd_sum/operand_stream.hpp>

#include <checksum/descriptor.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

namespace spmd_sum {
namespace {

bool is_empty(const checksum::file_batch& batch) { return batch.ranges.empty() && batch.remarks.empty(); }

bool may_join_last(const checksum::file_batch& batch) {
    return !batch.ranges.empty() && batch.ranges.back().directory.empty() &&
           batch.ranges.size() > batch.sums.size() &&
           batch.ranges.back().names.size() < checksum::files_in_range;
}

std::string counted(std::size_t count, const char* one, const char* many) {
    return std::to_string(count) + (count == 1 ? one : many);
}

} // namespace

operand_stream::operand_stream(const request& wanted, const checksum::algorithm& digest_algorithm,
                               checksum::hasher_options reading)
    : wanted_{&wanted}, algorithm_{&digest_algorithm}, reading_{std::move(reading)} {
    if (!wanted.names_file.empty()) names_.emplace(wanted.names_file, '\0', reading_.stop);
}

bool operand_stream::next(checksum::file_batch& batch) {
    batch.digest_algorithm = algorithm_;
    while (batch.ranges.size() < checksum::ranges_in_batch && next_range(batch)) {
    }
    return !is_empty(batch);
}

/// Adds a range or a remark to the batch, or moves on to the next operand; false if the batch is complete.
bool operand_stream::next_range(checksum::file_batch& batch) {
    if (is_stopped()) return false;
    if (tree_) return next_of_tree(batch);
    const bool waits_for_name = !current_ && names_ && names_->would_wait();
    if (waits_for_name && !is_empty(batch)) return false; // earlier files do not wait for it
    const std::string* const operand = peek(batch);
    if (operand == nullptr) return false;
    const std::optional<struct stat> status =
        checksum::status_at(*operand); // a failure is reported when it is opened
    const bool is_directory = status && S_ISDIR(status->st_mode);
    const bool may_block = *operand == "-" || (status && !is_directory && !S_ISREG(status->st_mode));
    if (may_block && !is_empty(batch)) return false; // earlier files do not wait for it
    if (*operand == "-") {
        add_standard_input(batch, reading_);
    } else if (is_directory && wanted_->is_recursive) {
        checksum::listing_options listing = wanted_->listing;
        listing.stop = reading_.stop;
        tree_.emplace(*operand, std::move(listing));
        root_ = *operand;
    } else if (is_directory) {
        fail(batch, *operand + ": Is a directory (use -r to sum its files)");
    } else if (status && std::ranges::find(wanted_->listing.outputs, checksum::identity_of(*status)) !=
                             wanted_->listing.outputs.end()) {
        batch.remarks.push_back(*operand + ": is being written to, left out");
    } else {
        if (!may_join_last(batch)) batch.ranges.push_back({.may_be_links = true});
        batch.ranges.back().names.push_back(*operand);
    }
    current_.reset();
    return !may_block;
}

const std::string* operand_stream::peek(checksum::file_batch& batch) {
    if (!current_) current_ = names_ ? next_listed(batch) : next_given();
    return current_ ? &*current_ : nullptr;
}

std::optional<std::string> operand_stream::next_given() {
    if (taken_ == wanted_->operands.size()) return std::nullopt;
    return wanted_->operands[taken_++];
}

std::optional<std::string> operand_stream::next_listed(checksum::file_batch& batch) try {
    const auto misnamed = [&](const char* reason) {
        fail(batch, names_->name() + ": name " + std::to_string(taken_) + ": " + reason);
    };
    while (const auto name = names_->next()) {
        ++taken_;
        if (name->empty())
            misnamed("empty file name");
        else if (*name == "-" && names_->shares_standard_input())
            misnamed("no file name of '-' allowed in standard input itself");
        else
            return std::string(*name);
    }
    return std::nullopt;
} catch (const std::system_error& error) {
    fail(batch, error.what());
    names_.emplace("/dev/null", '\0'); // ends the names
    return std::nullopt;
}

bool operand_stream::next_of_tree(checksum::file_batch& batch) {
    checksum::file_range files = tree_->next(checksum::files_in_range);
    for (const checksum::listing_error& error : tree_->take_errors())
        fail(batch, error.path + ": " + error.reason.message());
    if (!files.names.empty()) {
        batch.ranges.push_back(std::move(files));
        return true;
    }
    if (is_stopped()) return false; // stopped before the end of the tree
    std::ranges::move(remarks_on(root_, tree_->counts()), std::back_inserter(batch.remarks));
    tree_.reset();
    return true;
}

void operand_stream::fail(checksum::file_batch& batch, std::string remark) {
    batch.remarks.push_back(std::move(remark));
    has_failed_ = true;
}

std::vector<std::string> remarks_on(const std::string& root, const checksum::listing_counts& counts) {
    std::vector<std::string> remarks;
    const auto remark = [&](std::size_t count, const char* one, const char* many) {
        if (count > 0) remarks.push_back(root + ": " + counted(count, one, many));
    };
    remark(counts.symlinks_skipped, " symbolic link not followed", " symbolic links not followed");
    remark(counts.special_skipped, " FIFO, socket or device left out", " FIFOs, sockets or devices left out");
    remark(counts.loops_skipped, " symbolic link to a directory above it not followed",
           " symbolic links to directories above them not followed");
    remark(counts.mounts_skipped, " directory on another file system not entered",
           " directories on other file systems not entered");
    remark(counts.outputs_skipped, " file being written to left out", " files being written to left out");
    return remarks;
}

void add_standard_input(checksum::file_batch& batch, const checksum::hasher_options& reading) {
    checksum::file_sum sum;
    checksum::descriptor file{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)};
    if (file.number() < 0)
        sum = {.error = {errno, std::generic_category()}, .is_done = true};
    else
        checksum::file_hasher(reading).add(std::move(file), sum, *batch.digest_algorithm);
    batch.ranges.push_back({.names = {"-"}});
    batch.sums.resize(batch.ranges.size());
    batch.sums.back().push_back(sum);
}

} // namespace spmd_sum
