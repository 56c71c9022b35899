#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace checksum {

/// A path that could not be listed, and the reason.
struct listing_error {
    std::string path;
    std::error_code reason;
};

/// Identifies an existing file independently of its path.
struct file_identity {
    dev_t device{};
    ino_t inode{};
    bool operator==(const file_identity&) const = default;
};

/// The identity of the file with this status.
[[nodiscard]] inline file_identity identity_of(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino};
}

/// The result of stat(2), also for paths longer than PATH_MAX; empty on failure.
[[nodiscard]] std::optional<struct stat> status_at(const std::string& path);

/// Options for listing a tree.
struct listing_options {
    /// Follows symbolic links in the tree, except those to a directory above them.
    bool follows_links = false;
    /// Does not enter directories on other file systems than the root's.
    bool one_file_system = false;
    /// fnmatch(3) patterns of files and directories to leave out. A pattern without a slash matches names at
    /// any depth; one with a slash, which may be leading, matches paths below the root, where `*` does not
    /// match a slash. `*` and `?` also match a leading dot.
    std::vector<std::string> excluded{};
    /// Files to leave out, such as the output.
    std::vector<file_identity> outputs{};
    /// Their names, to recognise mounted files: their directory entry has the inode of the file underneath.
    std::vector<std::string> output_names{};
    /// Once true, nothing more is listed; null: never.
    const std::atomic<bool>* stop = nullptr;
};

/// Numbers of entries left out of a tree, apart from excluded ones.
struct listing_counts {
    std::size_t symlinks_skipped = 0;
    std::size_t special_skipped = 0; ///< FIFOs, sockets, devices
    std::size_t loops_skipped = 0;   ///< symbolic links to directories above them
    std::size_t mounts_skipped = 0;  ///< directories on other file systems
    std::size_t outputs_skipped = 0;
};

/// Consecutive files of one directory in a listing.
struct file_range {
    std::string directory{};          ///< prefix of each name: empty, or ending in a slash
    std::vector<std::string> names{}; ///< entries of the directory; whole paths if it is empty
    /// True if a name may be a symbolic link; otherwise a link has replaced a file since it was listed.
    bool may_be_links = false;
};

/// The regular files of a directory tree, and counts of entries left out.
struct file_listing {
    std::vector<std::string> files;    ///< each begins with the root as passed; sorted by raw bytes
    std::vector<listing_error> errors; ///< in the order of the walk
    listing_counts counts{};
};

/// Lists the regular files under a directory, at any depth, in portions.
///
///     checksum::tree_lister tree("photos");
///     for (auto files = tree.next(100); !files.names.empty(); files = tree.next(100)) …
///
/// Files are ordered by the bytes of their whole paths, in any locale. A root that is a symbolic link is
/// followed. An entry that cannot be read, the root included, becomes an error, and the listing continues.
/// Paths may be longer than PATH_MAX. The number of open descriptors is bounded for any depth and width of
/// the tree, and memory holds only the entries of the directories from the root to the current one.
/// Thread safety: one thread at a time.
/// Complexity: one openat per directory, n log n comparisons of names per directory of n entries.
class tree_lister {
public:
    explicit tree_lister(std::string root, listing_options options = {});
    tree_lister(const tree_lister&) = delete;
    tree_lister& operator=(const tree_lister&) = delete;
    ~tree_lister();

    /// The next files, at most `most`; none at the end or after a stop, which takes effect within a few
    /// entries.
    [[nodiscard]] file_range next(std::size_t most);

    /// Returns and forgets the errors so far, in the order of the walk.
    [[nodiscard]] std::vector<listing_error> take_errors() noexcept { return std::exchange(errors_, {}); }
    /// Counts of entries left out so far.
    [[nodiscard]] const listing_counts& counts() const noexcept { return counts_; }

private:
    struct level;

    [[nodiscard]] bool is_stopped() const noexcept {
        return options_.stop != nullptr && options_.stop->load();
    }
    void enter_root();
    void enter_directory();
    void enter(const std::string& entry);
    void push_level(DIR* stream);
    DIR* parent_stream();
    std::vector<std::string> read_entries(DIR* directory);
    void sort(std::vector<std::string>& entries) const;
    bool is_excluded(const std::string& name) const;
    bool is_output(DIR* directory, const dirent& entry) const;
    unsigned char type_of(DIR* directory, const dirent& entry);
    void report(std::string path, int error);

    listing_options options_;
    std::string path_;            // of the entry being visited
    std::size_t root_length_ = 0; // of path_, its final slash included
    bool is_entered_ = false;
    std::vector<level> levels_; // the directories from the root to the current one
    std::vector<listing_error> errors_;
    listing_counts counts_;
};

/// Lists all regular files under `root` at once. Throws: std::bad_alloc.
[[nodiscard]] file_listing list_files(const std::string& root);

} // namespace checksum
