#pragma once

#include <checksum/file_sums.hpp>
#include <checksum/manifest.hpp>
#include <spmd_sum/request.hpp>
#include <spmd_sum/sum_printer.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

namespace spmd_sum {

/// Checks the files that manifests name, and prints verdicts as md5sum -c does, or as JSON.
class manifest_check {
public:
    /// Requires: `wanted` has a check; everything that the arguments refer to outlives the object.
    manifest_check(const request& wanted, checksum::sum_options options, checksum::hasher_options reading,
                   const std::atomic<bool>& stop, printer& to);

    /// Checks one manifest. Returns true if it passed, by the criteria of the request.
    /// Throws: usage_error if it lists the file that --output replaces, write_error.
    [[nodiscard]] bool check(const std::string& manifest);
    /// Prints the files that no manifest so far names. Returns true if there was none.
    [[nodiscard]] bool list_extra();

private:
    struct tally {
        std::size_t entries = 0;
        std::size_t malformed = 0;
        std::size_t good = 0;
        std::size_t mismatched = 0;
        std::size_t unreadable = 0;
    };

    bool fill(checksum::manifest_reader& from, checksum::file_batch& batch);
    bool read_ahead(checksum::manifest_reader& from, checksum::file_batch& batch);
    std::variant<checksum::manifest_entry, checksum::malformed_line, checksum::manifest_end>
    next_of(checksum::manifest_reader& from);
    void require_not_overwritten(const std::string& name) const;
    const checksum::algorithm* algorithm_of(const checksum::manifest_entry& entry);
    std::string default_tag() const;
    void judge(checksum::file_batch& batch);
    void judge(const checksum::manifest_entry& entry, const checksum::file_sum& sum);
    void print_verdict(const std::string& name, const char* status, const char* verdict);
    bool conclude(const std::string& name);
    std::string key_of(const std::string& path) const;
    bool is_manifest(const std::string& path) const;
    std::size_t list_extra(checksum::tree_lister& tree);
    std::vector<std::string> roots_of_named() const;

    const request* wanted_;
    checksum::sum_options options_;
    checksum::hasher_options reading_;
    const std::atomic<bool>* stop_;
    printer* to_;
    // By tag; null if unavailable.
    std::map<std::string, std::unique_ptr<const checksum::algorithm>> algorithms_;
    std::optional<checksum::manifest_entry> ahead_; // read, and not yet in a batch
    bool is_read_ = false;                          // to the manifest's end
    std::string read_error_; // empty unless the end could not be read; written by the listing thread
    std::mutex mutex_;
    // Entries of the batches in flight; guarded by mutex_.
    std::deque<std::vector<checksum::manifest_entry>> expected_;
    tally tally_; // the listing thread counts `malformed`, the printing thread the rest
    std::string text_;
    bool is_over_ = false;
    std::filesystem::path here_;                     // working directory; empty if unknown
    std::vector<checksum::file_identity> manifests_; // only to list extra files
    std::unordered_set<std::string> named_;          // results of key_of(), only to list extra files
};

} // namespace spmd_sum
