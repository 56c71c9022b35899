#include <checksum/file_list.hpp>

#include <checksum/descriptor.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace checksum {
namespace {

/// How many directories between the root and the current one stay open. Those above are opened again
/// by their path when the walk comes back to them.
constexpr std::size_t open_levels = 8;

struct close_directory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using directory_stream = std::unique_ptr<DIR, close_directory>;

directory_stream to_stream(descriptor directory) {
    directory_stream stream{::fdopendir(directory.number())};
    if (stream == nullptr) throw std::bad_alloc{};
    static_cast<void>(directory.release());
    return stream;
}

/// A directory on the way from the root to where the walk is.
struct level {
    directory_stream stream;          // null where too many directories would be open
    std::size_t path_length;          // of the directory's path, its final slash included
    std::vector<std::string> entries; // files and directories, slash_order
    std::size_t next = 0;             // the first entry not yet visited
};

// slash_order: a directory's name carries its final slash. Then sorting the names of each directory and
// visiting them in that order gives the files in the order of their whole paths ("a-b", "a/b", "a0").
bool is_directory(std::string_view entry) { return entry.back() == '/'; }

/// Walks a tree depth first, without recursion.
class tree_walk {
public:
    explicit tree_walk(std::string root) : path_{std::move(root)} {}

    file_listing run() {
        enter_root();
        while (!levels_.empty()) visit_next_entry();
        return std::move(listing_);
    }

private:
    void enter_root();
    void visit_next_entry();
    void enter(const std::string& entry);
    void push_level(directory_stream stream);
    DIR* parent_stream();
    std::vector<std::string> read_entries(DIR* directory);
    unsigned char type_of(DIR* directory, const dirent& entry);
    void report(std::string path, int error);

    std::string path_; // of what is being visited
    std::vector<level> levels_;
    file_listing listing_;
};

void tree_walk::enter_root() {
    try {
        directory_stream stream = to_stream(open_path(path_, O_RDONLY | O_DIRECTORY));
        if (!is_directory(path_)) path_ += '/';
        push_level(std::move(stream));
    } catch (const std::system_error& error) {
        report(path_, error.code().value());
    }
}

void tree_walk::visit_next_entry() {
    level& current = levels_.back();
    path_.resize(current.path_length);
    if (current.next == current.entries.size()) {
        levels_.pop_back();
        return;
    }
    const std::string entry = std::move(current.entries[current.next++]);
    path_ += entry;
    if (is_directory(entry)) {
        enter(entry);
    } else {
        listing_.files.push_back(path_);
    }
}

void tree_walk::enter(const std::string& entry) {
    // With its slash, O_NOFOLLOW would follow a symlink that has taken the directory's place.
    const std::string name = entry.substr(0, entry.size() - 1);
    try {
        const int parent = ::dirfd(parent_stream());
        push_level(to_stream(open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)));
    } catch (const std::system_error& error) {
        report(path_.substr(0, path_.size() - 1), error.code().value());
    }
}

void tree_walk::push_level(directory_stream stream) {
    std::vector<std::string> entries = read_entries(stream.get());
    levels_.push_back({std::move(stream), path_.size(), std::move(entries)});
    if (levels_.size() > open_levels) levels_[levels_.size() - open_levels - 1].stream.reset();
}

DIR* tree_walk::parent_stream() {
    level& parent = levels_.back();
    if (parent.stream == nullptr) {
        parent.stream = to_stream(open_path(path_.substr(0, parent.path_length), O_RDONLY | O_DIRECTORY));
    }
    return parent.stream.get();
}

std::vector<std::string> tree_walk::read_entries(DIR* directory) {
    std::vector<std::string> entries;
    errno = 0;
    for (const dirent* entry = ::readdir(directory); entry != nullptr; entry = ::readdir(directory)) {
        const std::string_view name{entry->d_name};
        if (name != "." && name != "..") {
            switch (type_of(directory, *entry)) {
                case DT_REG: entries.emplace_back(name); break;
                case DT_DIR: entries.emplace_back(name).push_back('/'); break;
                case DT_LNK: ++listing_.symlinks_skipped; break;
                case DT_UNKNOWN: break;
                default: ++listing_.special_skipped; break;
            }
        }
        errno = 0;
    }
    if (errno != 0) report(path_.substr(0, path_.size() - 1), errno);
    std::ranges::sort(entries);
    return entries;
}

/// The entry's DT_ constant; DT_UNKNOWN where it cannot be found out, which is then reported.
unsigned char tree_walk::type_of(DIR* directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type;
    struct stat status{};
    if (::fstatat(::dirfd(directory), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        report(path_ + entry.d_name, errno);
        return DT_UNKNOWN;
    }
    return static_cast<unsigned char>(IFTODT(status.st_mode));
}

void tree_walk::report(std::string path, int error) {
    listing_.errors.push_back({std::move(path), std::error_code{error, std::generic_category()}});
}

} // namespace

file_listing list_files(const std::string& root) { return tree_walk{root}.run(); }

} // namespace checksum
