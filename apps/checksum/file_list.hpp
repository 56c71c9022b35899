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

/// What could not be listed, and why.
struct listing_error {
    std::string path;
    std::error_code reason;
};

/// What names a file whatever its path, as long as it exists.
struct file_identity {
    dev_t device{};
    ino_t inode{};
    bool operator==(const file_identity&) const = default;
};

[[nodiscard]] inline file_identity identity_of(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino};
}

/// What stat(2) says, also of paths longer than PATH_MAX; nothing where it cannot be found out.
[[nodiscard]] std::optional<struct stat> status_at(const std::string& path);

struct listing_options {
    /// Symbolic links in the tree are followed; a directory that is above a link to it is not entered again.
    bool follows_links = false;
    /// Directories on other file systems than the root's are not entered.
    bool one_file_system = false;
    /// Patterns, as fnmatch(3) has them, of what is left out with all that is below it: where they have no slash, of names; else
    /// of paths below the root, in which a `*` takes no slash; a slash may stand before these. A `*` or `?` takes also a dot
    /// at the beginning of a name.
    std::vector<std::string> excluded{};
    /// Files that are left out, like the output.
    std::vector<file_identity> outputs{};
    /// Their names, for those that are mounted where they are: there, a directory has the inode of what lies underneath.
    std::vector<std::string> output_names{};
    /// Once it is true, nothing more is listed; null: there is none.
    const std::atomic<bool>* stop = nullptr;
};

/// What was left out of a tree, besides what was to be excluded.
struct listing_counts {
    std::size_t symlinks_skipped = 0;
    std::size_t special_skipped = 0; ///< FIFOs, sockets, devices
    std::size_t loops_skipped = 0;   ///< links to directories above them
    std::size_t mounts_skipped = 0;  ///< directories on other file systems
    std::size_t outputs_skipped = 0;
};

/// Files of one directory that follow each other in the order of a listing.
struct file_range {
    std::string directory{}; ///< what stands before each name: empty, or with a slash at its end
    std::vector<std::string>
        names{};               ///< in a directory that is not empty, names of its entries; else whole paths
    bool may_be_links = false; ///< else a symbolic link has taken a file's place since it was listed
};

/// The regular files of a directory tree, and what was left out of it.
struct file_listing {
    std::vector<std::string> files;    ///< each begins with the root as it was given; sorted by raw bytes
    std::vector<listing_error> errors; ///< in the order they were met
    listing_counts counts{};
};

/// Lists the regular files under a directory, at any depth, as far as it is asked to.
///
///     checksum::tree_lister tree("photos");
///     for (auto files = tree.next(100); !files.names.empty(); files = tree.next(100)) …
///
/// The order is that of the bytes of the whole path, whatever the locale. A symlink that is the root itself is followed. An entry that cannot be read, the root included, becomes an error, and
/// the rest goes on. Paths may be longer than PATH_MAX; few descriptors are open at a time, however
/// deep or wide the tree is, and no more is kept of it than the names on the way to where it is.
/// Thread safety: one thread at a time.
/// Complexity: one openat per directory, n log n comparisons of names per directory of n entries.
class tree_lister {
public:
    explicit tree_lister(std::string root, listing_options options = {});
    tree_lister(const tree_lister&) = delete;
    tree_lister& operator=(const tree_lister&) = delete;
    ~tree_lister();

    /// The next files, at most `most`; none at the end, and after a stop, within a few entries of a directory.
    [[nodiscard]] file_range next(std::size_t most);

    /// What could not be listed so far and was not taken yet, in the order it was met.
    [[nodiscard]] std::vector<listing_error> take_errors() noexcept { return std::exchange(errors_, {}); }
    /// What was left out so far.
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
    std::string path_;            // of what is being visited
    std::size_t root_length_ = 0; // of path_, its final slash included
    bool is_entered_ = false;
    std::vector<level> levels_; // the directories on the way from the root to where the walk is
    std::vector<listing_error> errors_;
    listing_counts counts_;
};

/// All of them at once. Throws: std::bad_alloc. Thread safety: any number of threads at once.
[[nodiscard]] file_listing list_files(const std::string& root);

} // namespace checksum
