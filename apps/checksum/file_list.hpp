#pragma once

#include <dirent.h>

#include <cstddef>
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

/// Files of one directory that follow each other in the order of a listing.
struct file_range {
    std::string directory; ///< what stands before each name: empty, or with a slash at its end
    std::vector<std::string>
        names; ///< in a directory that is not empty, names of its entries; else whole paths
};

/// The regular files of a directory tree, and what was left out of it.
struct file_listing {
    std::vector<std::string> files;    ///< each begins with the root as it was given; sorted by raw bytes
    std::vector<listing_error> errors; ///< in the order they were met
    std::size_t symlinks_skipped = 0;
    std::size_t special_skipped = 0; ///< FIFOs, sockets, devices
};

/// Lists the regular files under a directory, at any depth, as far as it is asked to.
///
///     checksum::tree_lister tree("photos");
///     for (auto files = tree.next(100); !files.names.empty(); files = tree.next(100)) …
///
/// The order is that of the bytes of the whole path, whatever the locale. A symlink is followed only
/// where it is the root itself. An entry that cannot be read, the root included, becomes an error, and
/// the rest goes on. Paths may be longer than PATH_MAX; few descriptors are open at a time, however
/// deep or wide the tree is, and no more is kept of it than the names on the way to where it is.
/// Thread safety: one thread at a time.
/// Complexity: one openat per directory, n log n comparisons of names per directory of n entries.
class tree_lister {
public:
    explicit tree_lister(std::string root);
    tree_lister(const tree_lister&) = delete;
    tree_lister& operator=(const tree_lister&) = delete;
    ~tree_lister();

    /// The next files, at most `most`; none at the end.
    [[nodiscard]] file_range next(std::size_t most);

    /// What could not be listed so far and was not taken yet, in the order it was met.
    [[nodiscard]] std::vector<listing_error> take_errors() noexcept { return std::exchange(errors_, {}); }
    /// How many of them were left out so far.
    [[nodiscard]] std::size_t symlinks_skipped() const noexcept { return symlinks_skipped_; }
    [[nodiscard]] std::size_t special_skipped() const noexcept { return special_skipped_; }

private:
    struct level;

    void enter_root();
    void enter_directory();
    void enter(const std::string& entry);
    void push_level(DIR* stream);
    DIR* parent_stream();
    std::vector<std::string> read_entries(DIR* directory);
    unsigned char type_of(DIR* directory, const dirent& entry);
    void report(std::string path, int error);

    std::string path_; // of what is being visited
    bool is_entered_ = false;
    std::vector<level> levels_; // the directories on the way from the root to where the walk is
    std::vector<listing_error> errors_;
    std::size_t symlinks_skipped_ = 0;
    std::size_t special_skipped_ = 0;
};

/// All of them at once. Throws: std::bad_alloc. Thread safety: any number of threads at once.
[[nodiscard]] file_listing list_files(const std::string& root);

} // namespace checksum
