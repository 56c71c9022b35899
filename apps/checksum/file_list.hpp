#pragma once

#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

namespace checksum {

/// What could not be listed, and why.
struct listing_error {
    std::string path;
    std::error_code reason;
};

/// The regular files of a directory tree, and what was left out of it.
struct file_listing {
    std::vector<std::string> files;    ///< each begins with the root as it was given; sorted by raw bytes
    std::vector<listing_error> errors; ///< in the order they were met
    std::size_t symlinks_skipped = 0;
    std::size_t special_skipped = 0; ///< FIFOs, sockets, devices
};

/// Lists the regular files under the directory `root`, at any depth.
///
///     checksum::file_listing listing = checksum::list_files("photos");
///     // listing.files: "photos/a-b", "photos/a/b", "photos/a0", ...
///
/// The order is that of the bytes of the whole path, whatever the locale. A symlink is followed only
/// where it is the root itself. An entry that cannot be read, the root included, becomes an error, and
/// the rest goes on. Paths may be longer than PATH_MAX; few descriptors are open at a time, however
/// deep or wide the tree is.
/// Throws: std::bad_alloc. Thread safety: any number of threads at once.
/// Complexity: one openat per directory, n log n comparisons of names per directory of n entries.
[[nodiscard]] file_listing list_files(const std::string& root);

} // namespace checksum
