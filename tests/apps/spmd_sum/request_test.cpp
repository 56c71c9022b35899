// Guards against: an option that is misread or does nothing without a word, and an error that does not name what was wrong.
#include "support/temporary_directory.hpp"

#include <spmd_sum/request.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

using spmd_sum::request;

namespace {

request parsed(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "spmd_sum");
    return spmd_sum::parse_request(static_cast<int>(arguments.size()), arguments.data());
}

} // namespace

TEST_CASE("nothing given: standard input, by lines as md5sum's") {
    const request wanted = parsed({});
    CHECK(wanted.operands == std::vector<std::string>{"-"});
    CHECK(!wanted.by);
    CHECK(!wanted.check);
    CHECK(!wanted.is_recursive);
    CHECK(!wanted.format.is_tagged);
    CHECK(wanted.output.empty());
    CHECK(wanted.ranks == 16 * wanted.threads);
}

TEST_CASE("operands keep their order, and after -- anything is one") {
    CHECK(parsed({"b", "-z", "a", "--", "-r", "--"}).operands ==
          std::vector<std::string>{"b", "a", "-r", "--"});
}

TEST_CASE("what is read") {
    const request wanted = parsed({"-r", "-L", "-x", "--exclude=*.o", "--exclude", "build/*", "dir"});
    CHECK(wanted.is_recursive);
    CHECK(wanted.listing.follows_links);
    CHECK(wanted.listing.one_file_system);
    CHECK(wanted.listing.excluded == std::vector<std::string>{"*.o", "build/*"});
    CHECK(wanted.operands == std::vector<std::string>{"dir"});
    CHECK(!parsed({"-r", "-L", "-P"}).listing.follows_links);
    CHECK(parsed({"-r", "-P", "-L"}).listing.follows_links); // the last one counts
    const request listed = parsed({"--files0-from", "names"});
    CHECK(listed.names_file == "names");
    CHECK(listed.operands.empty());
}

TEST_CASE("patterns are as they are matched: of names, or of paths below the operand") {
    const auto pattern = [](const char* given) {
        return parsed({"-r", "--exclude", given, "x"}).listing.excluded.at(0);
    };
    for (const char* const same : {"a", "*.o", "a/b", "/a", ".a", "*/.a", "[.]"})
        CHECK(pattern(same) == same);
    for (const char* const name : {"a/", "a//", "a/.", "a/./"}) CHECK(pattern(name) == "a");
    for (const char* const path : {"./a", "//a", "/./a", "././/a/"}) CHECK(pattern(path) == "/a");
    for (const char* const path : {"a//b", "a/./b", "./a/b", "//a/b/"}) CHECK(pattern(path).ends_with("a/b"));
}

TEST_CASE("what is written") {
    CHECK(parsed({"--tag", "-b"}).format.is_tagged);
    CHECK(parsed({"-t", "-b"}).format.is_binary);
    CHECK(!parsed({"-b", "-t"}).format.is_binary);
    CHECK(parsed({"-z"}).format.is_zero_ended);
    CHECK(parsed({"--json"}).is_json);
    CHECK(parsed({"-o", "sums"}).output == "sums");
    CHECK(parsed({"-a", "SHA-256"}).by->name() == "sha256");
    CHECK(parsed({"--algorithm=help"}).text.find("blake2b512\n") != std::string::npos);
}

TEST_CASE("checks") {
    const request wanted = parsed({"-c", "-w", "--strict", "--ignore-missing", "sums"});
    REQUIRE(wanted.check);
    CHECK(wanted.check->warns_each_line);
    CHECK(wanted.check->is_strict);
    CHECK(wanted.check->ignores_missing);
    CHECK(wanted.check->tells_good);
    CHECK(!wanted.check->lists_extra);
    CHECK(!parsed({"-c", "--quiet"}).check->tells_good);
    CHECK(parsed({"-c", "--quiet"}).check->tells_any);
    CHECK(!parsed({"-c", "--status"}).check->tells_any);
    const request extra = parsed({"-c", "--extra", "sums"});
    CHECK(extra.check->lists_extra);
    CHECK(extra.check->extra_roots.empty());
    CHECK(extra.operands == std::vector<std::string>{"sums"});
    CHECK(parsed({"-c", "--extra", "--root=a", "--root=b", "sums"}).check->extra_roots ==
          std::vector<std::string>{"a", "b"});
}

TEST_CASE("of switches that say how much a check tells the last one counts, as in md5sum") {
    const auto told = [](std::vector<const char*> arguments) {
        arguments.insert(arguments.begin(), "-c");
        const spmd_sum::check_request check = parsed(arguments).check.value();
        return std::vector<bool>{check.tells_good, check.tells_any, check.warns_each_line};
    };
    const std::vector<bool> by_quiet{false, true, false};
    const std::vector<bool> by_status{false, false, false};
    const std::vector<bool> by_warn{true, true, true};
    CHECK(told({}) == std::vector<bool>{true, true, false});
    CHECK(told({"--status", "--quiet"}) == by_quiet);
    CHECK(told({"-w", "--quiet"}) == by_quiet);
    CHECK(told({"--quiet", "--status"}) == by_status);
    CHECK(told({"-w", "--status"}) == by_status);
    CHECK(told({"--quiet", "-w"}) == by_warn);
    CHECK(told({"--status", "-w"}) == by_warn);
    CHECK(told({"--status", "-w", "--status", "--quiet"}) == by_quiet);
}

TEST_CASE("a switch given again is as if it was not, but a value is not given twice") {
    CHECK(parsed({"-b", "-b"}).format.is_binary);
    CHECK(parsed({"-t", "-b", "-t", "-b"}).format.is_binary);
    CHECK(!parsed({"-b", "-t", "-b", "--text"}).format.is_binary);
    CHECK(parsed({"-r", "-r", "-L", "-P", "-L", "x"}).listing.follows_links);
    CHECK(!parsed({"-rPLP", "x"}).listing.follows_links);
    CHECK(!parsed({"-c", "--quiet", "--quiet"}).check->tells_good);
    CHECK(parsed({"--help", "-h"}).text == parsed({"-h"}).text);
    CHECK_THROWS_AS(parsed({"-o", "a", "-o", "b"}), spmd_sum::usage_error);
    CHECK_THROWS_AS(parsed({"--ranks", "1", "--ranks", "2"}), spmd_sum::usage_error);
    CHECK_THROWS_AS(parsed({"-b", "-c", "-b"}), spmd_sum::usage_error);
}

namespace {

/// A file under three names, and a path without a file under two.
struct files_by_many_names {
    files_by_many_names() {
        std::filesystem::create_hard_link(file, hard);
        std::filesystem::create_symlink("file", soft);
    }
    test_support::temporary_directory scratch;
    std::string file = scratch.write("file", "");
    std::string hard = scratch / "hard";
    std::string soft = scratch / "soft";
    std::string roundabout = scratch / "./sub/../file";
    std::string directory = scratch.make_directory("sub");
    std::string missing = scratch / "missing";
    std::string other = scratch / "./missing";
};

void check_rejected(std::vector<const char*> arguments, const std::string& what) {
    const std::string option = std::string_view(arguments[0]) == "-o" ? "--output" : arguments[0];
    CHECK_THROWS_WITH(parsed(arguments), option + " would overwrite " + what + ": '" + arguments[1] + "'");
    CHECK_THROWS_AS(parsed(arguments), spmd_sum::usage_error);
}

/// Standard input is a file while this lasts.
class redirected_input {
public:
    explicit redirected_input(const std::string& path) : before_{::dup(STDIN_FILENO)} {
        const int file = ::open(path.c_str(), O_RDONLY);
        REQUIRE(::dup2(file, STDIN_FILENO) == STDIN_FILENO);
        ::close(file);
    }
    redirected_input(const redirected_input&) = delete;
    redirected_input& operator=(const redirected_input&) = delete;
    ~redirected_input() {
        ::dup2(before_, STDIN_FILENO);
        ::close(before_);
    }

private:
    int before_;
};

} // namespace

TEST_CASE("a trace overwrites neither the output nor an operand, under whatever name") {
    const files_by_many_names files;
    const std::string& file = files.file;
    const std::string& missing = files.missing;
    for (const std::string& same : {file, files.hard, files.soft, files.roundabout}) {
        check_rejected({"--trace", same.c_str(), "x", file.c_str()}, "an operand");
        check_rejected({"--trace", file.c_str(), "-c", same.c_str()}, "a manifest");
        check_rejected({"--trace", file.c_str(), "-o", same.c_str(), "x"}, "the output");
        check_rejected({"--trace", file.c_str(), "--files0-from", same.c_str()}, "the file of names");
    }
    for (const std::string& same : {missing, files.other})
        check_rejected({"--trace", missing.c_str(), "-o", same.c_str(), "x"}, "the output");
    CHECK(parsed({"--trace", missing.c_str(), "-o", file.c_str(), files.scratch.path().c_str()}).trace.path ==
          missing);
    CHECK(parsed({"--trace", "/dev/null", "-o", "/dev/null", "/dev/null"}).trace.path == "/dev/null");
}

TEST_CASE("the output overwrites no operand, manifest or list of names, under whatever name") {
    const files_by_many_names files;
    const std::string& file = files.file;
    for (const std::string& same : {file, files.hard, files.soft, files.roundabout}) {
        check_rejected({"-o", same.c_str(), file.c_str()}, "an operand");
        check_rejected({"-o", file.c_str(), "-r", "x", same.c_str()}, "an operand");
        check_rejected({"-o", file.c_str(), "-c", "x", same.c_str()}, "a manifest");
        check_rejected({"-o", file.c_str(), "--files0-from", same.c_str()}, "the file of names");
    }
    // What is no regular file is not destroyed, and a tree leaves out the output that is in it.
    CHECK(parsed({"-o", "/dev/null", "/dev/null"}).output == "/dev/null");
    CHECK(parsed({"-o", file.c_str(), "-r", files.scratch.path().c_str()}).output == file);
    CHECK(parsed({"-o", files.missing.c_str(), file.c_str()}).output == files.missing);
}

TEST_CASE("neither the output nor a trace overwrites the file that is standard input") {
    const files_by_many_names files;
    const redirected_input input(files.file);
    for (const char* const option : {"-o", "--trace"})
        for (const std::string& same : {files.file, files.hard, files.soft})
            for (const std::vector<const char*>& more :
                 {std::vector<const char*>{}, {"-"}, {"x"}, {"-c"}, {"-c", "x"}, {"--files0-from=-"}}) {
                std::vector<const char*> arguments{option, same.c_str()};
                arguments.insert(arguments.end(), more.begin(), more.end());
                check_rejected(arguments, "standard input");
            }
}

TEST_CASE("help names all options, in groups no wider than 100 columns") {
    const std::string help = parsed({"--help"}).text;
    for (const std::string group : {"What is read:", "What is written:", "Checking:", "How it runs:"})
        CHECK(help.find("\n" + group + "\n") != std::string::npos);
    std::size_t begin = 0;
    for (std::size_t end = help.find('\n'); end != std::string::npos;
         begin = end + 1, end = help.find('\n', begin))
        CHECK(end - begin <= 100);
    CHECK(parsed({"--version"}).text.starts_with("spmd_sum "));
}

TEST_CASE("what would be misread or do nothing is an error that names it") {
    struct mistake {
        std::vector<const char*> arguments;
        const char* said;
    };
    for (const mistake& wrong : {
             mistake{{"--ranks", "0"}, "--ranks is at least 1, not 0"},
             mistake{{"--ranks", "1000001"}, "--ranks is at most 1000000, not 1000001"},
             mistake{{"--ranks", "9223372036854775807"},
                     "--ranks is at most 1000000, not 9223372036854775807"},
             mistake{{"--threads", "5000"}, "--threads is at most 4096, not 5000"},
             mistake{{"--progress=often"}, "--progress is one of auto, always, never, not 'often'"},
             mistake{{"--nonsense"}, "unrecognised option '--nonsense'"},
             mistake{{"--quiet"}, "the --quiet option is meaningful only when verifying checksums"},
             mistake{{"--status", "x"}, "the --status option is meaningful only when verifying checksums"},
             mistake{{"-w"}, "the --warn option is meaningful only when verifying checksums"},
             mistake{{"--strict"}, "the --strict option is meaningful only when verifying checksums"},
             mistake{{"--ignore-missing"},
                     "the --ignore-missing option is meaningful only when verifying checksums"},
             mistake{{"--extra"}, "the --extra option is meaningful only when verifying checksums"},
             mistake{{"-c", "--tag"}, "the --tag option is meaningless when verifying checksums"},
             mistake{{"-c", "-b"}, "the --binary option is meaningless when verifying checksums"},
             mistake{{"-c", "-r"}, "the --recursive option is meaningless when verifying checksums"},
             mistake{{"-c", "--files0-from=x"},
                     "the --files0-from option is meaningless when verifying checksums"},
             mistake{{"-L", "x"}, "the --dereference option is meaningful only with --recursive"},
             mistake{{"-x"}, "the --one-file-system option is meaningful only with --recursive"},
             mistake{{"-c", "--root=x"}, "the --root option is meaningful only with --extra"},
             mistake{{"-c", "--exclude=x"}, "the --exclude option is meaningful only with --extra"},
             mistake{{"-r", "--exclude="},
                     "the argument for option '--exclude' should follow immediately after the equal sign"},
             mistake{{"-r", "--exclude", "/"}, "--exclude takes a pattern, not '/'"},
             mistake{{"-r", "--exclude", "./"}, "--exclude takes a pattern, not './'"},
             mistake{{"-r", "--exclude", "a/../b"}, "--exclude takes no '..', which no path has: 'a/../b'"},
             mistake{{"--tag", "--text"}, "--tag does not support --text mode"},
             mistake{{"--json", "--tag"}, "the --tag option is meaningless with --json"},
             mistake{{"--json", "-z"}, "the --zero option is meaningless with --json"},
             mistake{{"--files0-from=x", "y"}, "file operands cannot be combined with --files0-from: 'y'"},
             mistake{{"--files0-from", ""}, "--files0-from takes the name of a file, not ''"},
             mistake{{"-o", ""}, "--output takes the name of a file, not ''"},
         }) {
        INFO(wrong.said);
        CHECK_THROWS_WITH(parsed(wrong.arguments), wrong.said);
        CHECK_THROWS_AS(parsed(wrong.arguments), spmd_sum::usage_error);
    }
    CHECK_THROWS_WITH(parsed({"-a", "md6"}), Catch::StartsWith("no digest algorithm 'md6'; there are: "));
    CHECK_THROWS_WITH(parsed({"-a", ""}), Catch::StartsWith("no digest algorithm ''; there are: "));
}
