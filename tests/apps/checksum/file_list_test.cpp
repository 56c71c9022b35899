// Guards against: an order other than that of the paths' bytes, a file lost, listed twice or under a wrong
// name, a symbolic link followed, a special file opened, an unreadable directory skipped silently, and trees
// too deep or too wide for a path, a stack or the descriptors.

#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <checksum/digest.hpp>
#include <checksum/file_list.hpp>

#include <catch2/catch.hpp>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

using checksum::file_listing;
using checksum::list_files;
using test_support::temporary_directory;

namespace {

/// While set, directories do not provide the types of their entries, as on some file systems.
bool hide_entry_types = false;

/// While set, reading a directory fails where it would have ended.
bool directory_end_fails = false;

/// Number of reads of directories so far, and the number after which a stop is requested.
std::size_t reads = 0;
std::size_t reads_before_stop = SIZE_MAX;
std::atomic<bool> stop = false;

} // namespace

/// Replaces the C library's function in this test program.
extern "C" dirent* readdir(DIR* directory) {
    static const auto original = reinterpret_cast<dirent* (*)(DIR*)>(::dlsym(RTLD_NEXT, "readdir"));
    dirent* const entry = original(directory);
    if (++reads >= reads_before_stop) stop = true;
    if (entry != nullptr && hide_entry_types) entry->d_type = DT_UNKNOWN;
    if (entry == nullptr && directory_end_fails) errno = EIO;
    return entry;
}

namespace {

std::vector<std::string> below(const std::string& root, std::vector<std::string> names) {
    for (std::string& name : names) name.insert(0, root + '/');
    return names;
}

/// Compares as `LC_ALL=C sort` does: by the unsigned bytes of the whole path.
bool less_by_bytes(const std::string& left, const std::string& right) {
    return std::ranges::lexicographical_compare(left, right, [](char a, char b) {
        return static_cast<unsigned char>(a) < static_cast<unsigned char>(b);
    });
}

/// A chain of directories whose whole path is longer than the kernel accepts.
class deep_chain {
public:
    deep_chain(const temporary_directory& scratch, std::string name)
        : name_{std::move(name)}, path_{scratch.path()},
          directory_{::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {}
    deep_chain(const deep_chain&) = delete;
    deep_chain& operator=(const deep_chain&) = delete;
    ~deep_chain() { ::close(directory_); }

    void descend() {
        REQUIRE(::mkdirat(directory_, name_.c_str(), 0700) == 0);
        const int child = ::openat(directory_, name_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(child >= 0);
        ::close(directory_);
        directory_ = child;
        path_ += '/' + name_;
    }
    std::string add_file(const std::string& name) const {
        const int file = ::openat(directory_, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(file >= 0);
        ::close(file);
        return path_ + '/' + name;
    }
    void add_directory(const std::string& name) const {
        REQUIRE(::mkdirat(directory_, name.c_str(), 0700) == 0);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string name_;
    std::string path_;
    int directory_;
};

} // namespace

TEST_CASE("list_files orders by the bytes of the whole path, not by its components") {
    temporary_directory scratch;
    // '-' and '.' sort before '/', '0' and letters after it; bytes above 127 sort last.
    const std::vector<std::string> in_order{
        "B",       "a!",  "a-b", "a.b", "a/!",  "a/b",      "a/b-c",
        "a/b.d/x", "a/c", "a0",  "aa",  "\x7f", "\xc3\xa9", "\xff",
    };
    for (const std::string& name : in_order) scratch.write(name, "");
    scratch.make_directory("empty");

    const file_listing listing = list_files(scratch.path());
    CHECK(listing.files == below(scratch.path(), in_order));
    CHECK(std::ranges::is_sorted(listing.files, less_by_bytes));
    CHECK(listing.errors.empty());
    CHECK(listing.counts.symlinks_skipped == 0);
    CHECK(listing.counts.special_skipped == 0);
}

TEST_CASE("list_files lists every file of a random tree once, sorted by bytes") {
    temporary_directory scratch;
    std::mt19937 generator{7};
    const std::string alphabet = "!-./0a\x80\xff";
    std::set<std::string> directories{""};
    std::vector<std::string> expected;
    for (int i = 0; i < 600; ++i) {
        auto parent = directories.begin();
        std::advance(parent, generator() % directories.size());
        std::string name = *parent;
        const std::size_t length = 1 + generator() % 3;
        for (std::size_t k = 0; k < length; ++k) {
            name += alphabet[generator() % alphabet.size()];
        }
        std::ranges::replace(name.begin() + static_cast<std::ptrdiff_t>(parent->size()), name.end(), '/',
                             '_');
        const std::string path = scratch / name;
        if (std::filesystem::exists(path)) continue;
        if (generator() % 3 == 0) {
            std::filesystem::create_directory(path);
            directories.insert(name + '/');
        } else {
            expected.push_back(scratch.write(name, ""));
        }
    }
    std::ranges::sort(expected, less_by_bytes);
    REQUIRE(expected.size() > 200);
    CHECK(list_files(scratch.path()).files == expected);
}

TEST_CASE("list_files begins each path with the root as passed") {
    temporary_directory scratch;
    scratch.write("dir/a", "");
    scratch.write("dir/sub/b", "");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(scratch.path());
    using names = std::vector<std::string>;
    CHECK(list_files("dir").files == names{"dir/a", "dir/sub/b"});
    CHECK(list_files("dir/").files == names{"dir/a", "dir/sub/b"});
    CHECK(list_files("./dir").files == names{"./dir/a", "./dir/sub/b"});
    CHECK(list_files(".").files == names{"./dir/a", "./dir/sub/b"});
    CHECK(list_files("dir/..").files == names{"dir/../dir/a", "dir/../dir/sub/b"});
    std::filesystem::current_path(before);
}

TEST_CASE("list_files keeps every byte of a name") {
    temporary_directory scratch;
    std::vector<std::string> names{"\n",       "\r",   " ",     "*",   "\\",  "\xc3",
                                   "\xff\xfe", "a\nb", "d\n/x", "..a", "...", ".hidden"};
    for (const std::string& name : names) scratch.write(name, "");
    std::ranges::sort(names, less_by_bytes);
    CHECK(list_files(scratch.path()).files == below(scratch.path(), names));
}

TEST_CASE("list_files skips and counts symlinks and special files") {
    const bool hidden_types = GENERATE(false, true);
    CAPTURE(hidden_types);
    temporary_directory scratch;
    const std::string file = scratch.write("file", "");
    const std::string inner = scratch.write("dir/inner", "");
    std::filesystem::create_symlink("file", scratch / "to_file");
    std::filesystem::create_symlink("dir", scratch / "to_dir");
    std::filesystem::create_symlink("..", scratch / "dir/to_above");
    std::filesystem::create_symlink("nowhere", scratch / "dangling");
    REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (scratch / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(socket);

    hide_entry_types = hidden_types;
    const file_listing listing = list_files(scratch.path());
    hide_entry_types = false;
    CHECK(listing.files == std::vector{inner, file});
    CHECK(listing.counts.symlinks_skipped == 4);
    CHECK(listing.counts.special_skipped == 2);
    CHECK(listing.errors.empty());
}

TEST_CASE("list_files follows a root that is a symlink") {
    temporary_directory scratch;
    scratch.write("dir/a", "");
    std::filesystem::create_symlink("dir", scratch / "link");
    const std::string link = scratch / "link";
    CHECK(list_files(link).files == std::vector{link + "/a"});
    CHECK(list_files(link + '/').files == std::vector{link + "/a"});
    CHECK(list_files(link).counts.symlinks_skipped == 0);
}

TEST_CASE("list_files reports a root that is not a directory") {
    temporary_directory scratch;
    const auto check = [](const std::string& root, int error) {
        CAPTURE(root);
        const file_listing listing = list_files(root);
        CHECK(listing.files.empty());
        REQUIRE(listing.errors.size() == 1);
        CHECK(listing.errors.front().path == root);
        CHECK(listing.errors.front().reason == std::error_code{error, std::generic_category()});
    };
    check(scratch / "missing", ENOENT);
    check(scratch.write("file", ""), ENOTDIR);
    check("", ENOENT);
}

TEST_CASE("list_files reports directories it may not read, and lists the rest") {
    temporary_directory scratch;
    const std::string before = scratch.write("a/before", "");
    scratch.write("b_closed/lost", "");
    scratch.write("c/closed/lost", "");
    const std::string after = scratch.write("d/after", "");
    for (const std::string& open : {scratch.path(), scratch / "a", scratch / "c", scratch / "d"}) {
        std::filesystem::permissions(open, std::filesystem::perms{0755});
    }
    const std::vector closed{scratch / "b_closed", scratch / "c/closed"};
    for (const std::string& path : closed) std::filesystem::permissions(path, std::filesystem::perms::none);

    CHECK(test_support::true_without_privilege([&] {
        const file_listing listing = list_files(scratch.path());
        return listing.files == std::vector{before, after} && listing.errors.size() == 2 &&
               listing.errors[0].path == closed[0] && listing.errors[0].reason.value() == EACCES &&
               listing.errors[1].path == closed[1] && listing.errors[1].reason.value() == EACCES;
    }));
    for (const std::string& path : closed) std::filesystem::permissions(path, std::filesystem::perms{0700});
}

TEST_CASE("list_files reports a directory that fails during reading, and keeps the entries before") {
    temporary_directory scratch;
    const std::string file = scratch.write("dir/file", "");
    directory_end_fails = true;
    const file_listing listing = list_files(scratch.path());
    directory_end_fails = false;
    CHECK(listing.files == std::vector{file});
    REQUIRE(listing.errors.size() == 2);
    CHECK(listing.errors[0].path == scratch.path());
    CHECK(listing.errors[1].path == scratch / "dir");
    CHECK(listing.errors[1].reason.value() == EIO);
}

TEST_CASE("list_files reports entries of unknown type") {
    temporary_directory scratch;
    scratch.write("dir/file", "");
    // Readable but not searchable: names can be read, but entries cannot be examined.
    std::filesystem::permissions(scratch.path(), std::filesystem::perms{0755});
    std::filesystem::permissions(scratch / "dir", std::filesystem::perms{0744});
    CHECK(test_support::true_without_privilege([&] {
        if (::geteuid() != 65534) std::filesystem::permissions(scratch / "dir", std::filesystem::perms{0444});
        hide_entry_types = true;
        const file_listing listing = list_files(scratch.path());
        return listing.files.empty() && listing.errors.size() == 1 &&
               listing.errors[0].path == scratch / "dir/file" && listing.errors[0].reason.value() == EACCES;
    }));
    std::filesystem::permissions(scratch / "dir", std::filesystem::perms{0700});
}

TEST_CASE("list_files and md5_of_file accept paths beyond PATH_MAX") {
    temporary_directory scratch;
    deep_chain chain{scratch, std::string(200, 'd')};
    std::vector<std::string> expected;
    while (chain.path().size() < 2 * PATH_MAX) {
        chain.descend();
        expected.push_back(chain.add_file("a"));
        expected.push_back(chain.add_file("z"));
    }
    std::ranges::sort(expected, less_by_bytes);
    const file_listing listing = list_files(scratch.path());
    CHECK(listing.errors.empty());
    CHECK(listing.files == expected);
    for (const std::string& file : listing.files) {
        CHECK(checksum::hex(checksum::md5_of_file(file)) == "d41d8cd98f00b204e9800998ecf8427e");
    }
    CHECK(list_files(chain.path()).files == std::vector{chain.path() + "/a", chain.path() + "/z"});
}

TEST_CASE("list_files needs few descriptors, however deep the tree, and returns to every directory") {
    temporary_directory scratch;
    deep_chain chain{scratch, "d"};
    std::vector<std::string> expected;
    for (int depth = 0; depth < 1'000; ++depth) {
        chain.add_directory("e"); // visited after the whole chain below "d", when its parent is closed
        expected.push_back(chain.add_file("e/" + std::to_string(depth)));
        expected.push_back(chain.add_file("f"));
        chain.descend();
    }
    std::ranges::sort(expected, less_by_bytes);

    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit few{.rlim_cur = 20, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    const file_listing listing = list_files(scratch.path());
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(listing.errors.empty());
    CHECK((listing.files == expected));
}

TEST_CASE("a stop ends a listing among entries and among directories without files") {
    temporary_directory scratch;
    for (int i = 0; i < 100; ++i) {
        scratch.make_directory("empty/" + std::to_string(i));
        scratch.write("flat/" + std::to_string(i), "");
    }
    const auto [tree, stops_after] = GENERATE(table<const char*, std::size_t>(
        {{"empty", 20}, {"empty", 200}, {"flat", 20}, {"flat", 102}, {"flat", 103}, {"empty", 0}}));
    CAPTURE(tree, stops_after);
    reads = 0;
    reads_before_stop = stops_after;
    stop = stops_after == 0;
    checksum::tree_lister listing(scratch / tree, {.stop = &stop});
    CHECK(listing.next(1000).names.empty());
    CHECK(reads == stops_after);
    CHECK(listing.next(1000).names.empty());
    CHECK(listing.take_errors().empty());
    CHECK(reads == stops_after);
    reads_before_stop = SIZE_MAX;
    stop = false;
    CHECK(list_files(scratch / "flat").files.size() == 100);
}

TEST_CASE("list_files lists 5,000 files, in one directory and in a hundred") {
    temporary_directory scratch;
    std::vector<std::string> expected;
    for (int i = 0; i < 2'500; ++i) {
        const std::string name = std::to_string(i);
        expected.push_back(scratch.write("flat/" + name, ""));
        expected.push_back(scratch.write("wide/" + std::to_string(i % 100) + '/' + name, ""));
    }
    std::ranges::sort(expected, less_by_bytes);
    const file_listing listing = list_files(scratch.path());
    CHECK((listing.files == expected));
    CHECK(listing.errors.empty());
}

TEST_CASE("list_files returns an empty listing for an empty directory") {
    temporary_directory scratch;
    const file_listing listing = list_files(scratch.path());
    CHECK(listing.files.empty());
    CHECK(listing.errors.empty());
}
