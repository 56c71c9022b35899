#include <checksum/file_list.hpp>

#include <checksum/descriptor.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace checksum {
namespace {

/// Upper bound on open directories between the root and the current one. Those above are opened again by path
/// when the walk returns to them.
constexpr std::size_t open_levels = 8;

struct close_directory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using directory_stream = std::unique_ptr<DIR, close_directory>;

DIR* to_stream(descriptor directory) {
    DIR* const stream = ::fdopendir(directory.number());
    if (stream == nullptr) throw std::bad_alloc{};
    static_cast<void>(directory.release());
    return stream;
}

// slash_order: a directory's name includes its final slash. Sorting the names of each directory and visiting
// them in that order then lists the files in the order of their whole paths ("a-b", "a/b", "a0").
bool is_directory(std::string_view entry) { return entry.back() == '/'; }

} // namespace

std::optional<struct stat> status_at(const std::string& path) try {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return status;
    if (errno != ENAMETOOLONG) return std::nullopt;
    if (::fstat(open_path(path, O_PATH).number(), &status) == 0) return status;
    return std::nullopt;
} catch (const std::system_error&) {
    return std::nullopt;
}

/// A directory on the way from the root to the current one.
struct tree_lister::level {
    directory_stream stream;          // null if too many directories would be open
    std::size_t path_length;          // of the directory's path, its final slash included
    std::vector<std::string> entries; // files and directories, slash_order
    file_identity identity{};         // if an option needs it
    std::size_t next = 0;             // the first entry not yet visited
};

tree_lister::tree_lister(std::string root, listing_options options)
    : options_{std::move(options)}, path_{std::move(root)} {}
tree_lister::~tree_lister() = default;

file_range tree_lister::next(std::size_t most) {
    if (!is_stopped() && !std::exchange(is_entered_, true)) enter_root();
    file_range files;
    while (!levels_.empty() && !is_stopped()) {
        level& current = levels_.back();
        path_.resize(current.path_length);
        while (files.names.size() < most && current.next < current.entries.size() &&
               !is_directory(current.entries[current.next]))
            files.names.push_back(std::move(current.entries[current.next++]));
        if (!files.names.empty()) {
            files.directory = path_;
            files.may_be_links = options_.follows_links;
            break;
        }
        enter_directory();
    }
    return files;
}

/// Enters the next directory, or returns to the one above.
void tree_lister::enter_directory() {
    level& current = levels_.back();
    if (current.next == current.entries.size()) {
        levels_.pop_back();
        return;
    }
    const std::string entry = std::move(current.entries[current.next++]);
    path_ += entry;
    enter(entry);
}

void tree_lister::enter_root() {
    try {
        DIR* const stream = to_stream(open_path(path_, O_RDONLY | O_DIRECTORY));
        if (!is_directory(path_)) path_ += '/';
        root_length_ = path_.size();
        push_level(stream);
    } catch (const std::system_error& error) {
        report(path_, error.code().value());
    }
}

void tree_lister::enter(const std::string& entry) {
    // With its slash, O_NOFOLLOW would follow a symbolic link that has replaced the directory.
    const std::string name = entry.substr(0, entry.size() - 1);
    try {
        const int parent = ::dirfd(parent_stream());
        const int follow = options_.follows_links ? 0 : O_NOFOLLOW;
        push_level(to_stream(open_at(parent, name, O_RDONLY | O_DIRECTORY | follow)));
    } catch (const std::system_error& error) {
        report(path_.substr(0, path_.size() - 1), error.code().value());
    }
}

void tree_lister::push_level(DIR* opened) {
    directory_stream stream(opened);
    file_identity identity;
    if (options_.follows_links || options_.one_file_system) {
        struct stat status{};
        if (::fstat(::dirfd(opened), &status) != 0) return report(path_, errno);
        identity = identity_of(status);
        if (std::ranges::find(levels_, identity, &level::identity) != levels_.end()) {
            ++counts_.loops_skipped;
            return;
        }
        if (options_.one_file_system && !levels_.empty() &&
            identity.device != levels_.front().identity.device) {
            ++counts_.mounts_skipped;
            return;
        }
    }
    std::vector<std::string> entries = read_entries(stream.get());
    levels_.push_back({std::move(stream), path_.size(), std::move(entries), identity});
    if (levels_.size() > open_levels) levels_[levels_.size() - open_levels - 1].stream.reset();
}

DIR* tree_lister::parent_stream() {
    level& parent = levels_.back();
    if (parent.stream == nullptr) {
        parent.stream.reset(
            to_stream(open_path(path_.substr(0, parent.path_length), O_RDONLY | O_DIRECTORY)));
    }
    return parent.stream.get();
}

std::vector<std::string> tree_lister::read_entries(DIR* directory) {
    std::vector<std::string> entries;
    errno = 0;
    while (!is_stopped()) {
        const dirent* const entry = ::readdir(directory);
        if (entry == nullptr) break;
        std::string name{entry->d_name};
        if (name != "." && name != ".." && !is_excluded(name)) {
            switch (type_of(directory, *entry)) {
                case DT_REG:
                    if (is_output(directory, *entry))
                        ++counts_.outputs_skipped;
                    else
                        entries.push_back(std::move(name));
                    break;
                case DT_DIR: entries.push_back(std::move(name += "/")); break;
                case DT_LNK: ++counts_.symlinks_skipped; break;
                case DT_UNKNOWN: break;
                default: ++counts_.special_skipped; break;
            }
        }
        errno = 0;
    }
    if (errno != 0) report(path_.substr(0, path_.size() - 1), errno);
    sort(entries);
    return entries;
}

/// Sorts by slash_order, unless a stop is requested: sorting a million names is slow.
void tree_lister::sort(std::vector<std::string>& entries) const {
    struct stopped {};
    try {
        std::ranges::sort(entries, [&](const std::string& left, const std::string& right) {
            if (is_stopped()) throw stopped{};
            return left < right;
        });
    } catch (const stopped&) {
        return;
    }
}

bool tree_lister::is_excluded(const std::string& name) const {
    return std::ranges::any_of(options_.excluded, [&](const std::string& pattern) {
        if (pattern.find('/') == std::string::npos) return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
        const std::string below = path_.substr(root_length_) + name;
        const char* const anchored = pattern.c_str() + (pattern.front() == '/' ? 1 : 0);
        return ::fnmatch(anchored, below.c_str(), FNM_PATHNAME) == 0;
    });
}

bool tree_lister::is_output(DIR* directory, const dirent& entry) const {
    if (options_.outputs.empty()) return false;
    const bool may_be =
        entry.d_type == DT_LNK ||
        std::ranges::find(options_.output_names, entry.d_name) != options_.output_names.end() ||
        std::ranges::find(options_.outputs, entry.d_ino, &file_identity::inode) != options_.outputs.end();
    struct stat status{};
    return may_be && ::fstatat(::dirfd(directory), entry.d_name, &status, 0) == 0 &&
           std::ranges::find(options_.outputs, identity_of(status)) != options_.outputs.end();
}

/// The DT_ constant of an entry, or of its target if links are followed; DT_UNKNOWN, with an error reported,
/// on failure.
unsigned char tree_lister::type_of(DIR* directory, const dirent& entry) {
    const bool is_followed = options_.follows_links && (entry.d_type == DT_LNK || entry.d_type == DT_UNKNOWN);
    if (entry.d_type != DT_UNKNOWN && !is_followed) return entry.d_type;
    struct stat status{};
    if (::fstatat(::dirfd(directory), entry.d_name, &status, is_followed ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        report(path_ + entry.d_name, errno);
        return DT_UNKNOWN;
    }
    return static_cast<unsigned char>(IFTODT(status.st_mode));
}

void tree_lister::report(std::string path, int error) {
    errors_.push_back({std::move(path), std::error_code{error, std::generic_category()}});
}

file_listing list_files(const std::string& root) {
    constexpr std::size_t portion = 1024;
    tree_lister tree(root);
    file_listing all;
    for (file_range part = tree.next(portion); !part.names.empty(); part = tree.next(portion))
        for (const std::string& name : part.names) all.files.push_back(part.directory + name);
    all.errors = tree.take_errors();
    all.counts = tree.counts();
    return all;
}

} // namespace checksum
