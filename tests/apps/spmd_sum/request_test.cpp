// Guards against: an option that is misread or silently ignored, and an error that does not name the wrong
// value.
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

TEST_CASE("without arguments: standard input, with lines in md5sum's format") {
    const request wanted = parsed({});
    CHECK(wanted.operands == std::vector<std::string>{"-"});
    CHECK(!wanted.algorithm);
    CHECK(!wanted.check);
    CHECK(!wanted.is_recursive);
    CHECK(!wanted.format.is_tagged);
    CHECK(wanted.output.empty());
    CHECK(wanted.ranks == 16 * wanted.threads);
}

TEST_CASE("operands keep their order, and everything after -- is one") {
    CHECK(parsed({"b", "-z", "a", "--", "-r", "--"}).operands ==
          std::vector<std::string>{"b", "a", "-r", "--"});
}

TEST_CASE("options for the input") {
    const request wanted = parsed({"-r", "-L", "-x", "--exclude=*.o", "--exclude", "build/*", "dir"});
    CHECK(wanted.is_recursive);
    CHECK(wanted.listing.follows_links);
    CHECK(wanted.listing.one_file_system);
    CHECK(wanted.listing.excluded == std::vector<std::string>{"*.o", "build/*"});
    CHECK(wanted.operands == std::vector<std::string>{"dir"});
    CHECK(!parsed({"-r", "-L", "-P"}).listing.follows_links);
    CHECK(parsed({"-r", "-P", "-L"}).listing.follows_links); // the last one takes effect
    const request listed = parsed({"--files0-from", "names"});
    CHECK(listed.names_file == "names");
    CHECK(listed.operands.empty());
}

TEST_CASE("patterns are normalised: of names, or of paths below the operand") {
    const auto pattern = [](const char* given) {
        return parsed({"-r", "--exclude", given, "x"}).listing.excluded.at(0);
    };
    for (const char* const same : {"a", "*.o", "a/b", "/a", ".a", "*/.a", "[.]"})
        CHECK(pattern(same) == same);
    for (const char* const name : {"a/", "a//", "a/.", "a/./"}) CHECK(pattern(name) == "a");
    for (const char* const path : {"./a", "//a", "/./a", "././/a/"}) CHECK(pattern(path) == "/a");
    for (const char* const path : {"a//b", "a/./b", "./a/b", "//a/b/"}) CHECK(pattern(path).ends_with("a/b"));
}

TEST_CASE("options for the output") {
    CHECK(parsed({"--tag", "-b"}).format.is_tagged);
    CHECK(parsed({"-t", "-b"}).format.is_binary);
    CHECK(!parsed({"-b", "-t"}).format.is_binary);
    CHECK(parsed({"-z"}).format.is_zero_ended);
    CHECK(parsed({"--json"}).is_json);
    CHECK(parsed({"-o", "sums"}).output == "sums");
    CHECK(parsed({"-a", "SHA-256"}).algorithm->name() == "sha256");
    CHECK(parsed({"--algorithm=help"}).text.find("blake2b512\n") != std::string::npos);
}

TEST_CASE("options for checks") {
    const request wanted = parsed({"-c", "-w", "--strict", "--ignore-missing", "sums"});
    REQUIRE(wanted.check);
    CHECK(wanted.check->warns_each_line);
    CHECK(wanted.check->is_strict);
    CHECK(wanted.check->ignores_missing);
    CHECK(wanted.check->prints_good);
    CHECK(!wanted.check->lists_extra);
    CHECK(!parsed({"-c", "--quiet"}).check->prints_good);
    CHECK(parsed({"-c", "--quiet"}).check->prints_any);
    CHECK(!parsed({"-c", "--status"}).check->prints_any);
    const request extra = parsed({"-c", "--extra", "sums"});
    CHECK(extra.check->lists_extra);
    CHECK(extra.check->extra_roots.empty());
    CHECK(extra.operands == std::vector<std::string>{"sums"});
    CHECK(parsed({"-c", "--extra", "--root=a", "--root=b", "sums"}).check->extra_roots ==
          std::vector<std::string>{"a", "b"});
}

TEST_CASE("the last one of the switches for a check's verbosity takes effect, as in md5sum") {
    const auto verbosity = [](std::vector<const char*> arguments) {
        arguments.insert(arguments.begin(), "-c");
        const spmd_sum::check_request check = parsed(arguments).check.value();
        return std::vector<bool>{check.prints_good, check.prints_any, check.warns_each_line};
    };
    const std::vector<bool> quiet{false, true, false};
    const std::vector<bool> status{false, false, false};
    const std::vector<bool> warn{true, true, true};
    CHECK(verbosity({}) == std::vector<bool>{true, true, false});
    CHECK(verbosity({"--status", "--quiet"}) == quiet);
    CHECK(verbosity({"-w", "--quiet"}) == quiet);
    CHECK(verbosity({"--quiet", "--status"}) == status);
    CHECK(verbosity({"-w", "--status"}) == status);
    CHECK(verbosity({"--quiet", "-w"}) == warn);
    CHECK(verbosity({"--status", "-w"}) == warn);
    CHECK(verbosity({"--status", "-w", "--status", "--quiet"}) == quiet);
}

TEST_CASE("a repeated switch has no effect, but a repeated value is an error") {
    CHECK(parsed({"-b", "-b"}).format.is_binary);
    CHECK(parsed({"-t", "-b", "-t", "-b"}).format.is_binary);
    CHECK(!parsed({"-b", "-t", "-b", "--text"}).format.is_binary);
    CHECK(parsed({"-r", "-r", "-L", "-P", "-L", "x"}).listing.follows_links);
    CHECK(!parsed({"-rPLP", "x"}).listing.follows_links);
    CHECK(!parsed({"-c", "--quiet", "--quiet"}).check->prints_good);
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

/// Redirects standard input to a file while in scope.
class redirected_input {
public:
    explicit redirected_input(const std::string& path) : previous_{::dup(STDIN_FILENO)} {
        const int file = ::open(path.c_str(), O_RDONLY);
        REQUIRE(::dup2(file, STDIN_FILENO) == STDIN_FILENO);
        ::close(file);
    }
    redirected_input(const redirected_input&) = delete;
    redirected_input& operator=(const redirected_input&) = delete;
    ~redirected_input() {
        ::dup2(previous_, STDIN_FILENO);
        ::close(previous_);
    }

private:
    int previous_;
};

} // namespace

TEST_CASE("a trace overwrites neither the output nor an operand, under any name") {
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

TEST_CASE("the output overwrites no operand, manifest or list of names, under any name") {
    const files_by_many_names files;
    const std::string& file = files.file;
    for (const std::string& same : {file, files.hard, files.soft, files.roundabout}) {
        check_rejected({"-o", same.c_str(), file.c_str()}, "an operand");
        check_rejected({"-o", file.c_str(), "-r", "x", same.c_str()}, "an operand");
        check_rejected({"-o", file.c_str(), "-c", "x", same.c_str()}, "a manifest");
        check_rejected({"-o", file.c_str(), "--files0-from", same.c_str()}, "the file of names");
    }
    // A file that is not regular is not destroyed, and the listing of a tree leaves out the output.
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

TEST_CASE("help lists all options in sections, at most 80 columns wide") {
    const std::string help = parsed({"--help"}).text;
    for (const std::string group : {"Input:", "Output:", "Checking:", "Execution:", "Other:"})
        CHECK(help.find("\n" + group + "\n") != std::string::npos);
    std::size_t begin = 0;
    for (std::size_t end = help.find('\n'); end != std::string::npos;
         begin = end + 1, end = help.find('\n', begin))
        CHECK(end - begin <= 80);
    CHECK(parsed({"--version"}).text.starts_with("spmd_sum "));
}

TEST_CASE("options that would be misread or have no effect are errors that name them") {
    struct mistake {
        std::vector<const char*> arguments;
        const char* said;
    };
    for (const mistake& wrong : {
             mistake{{"--ranks", "0"}, "--ranks must be at least 1, not 0"},
             mistake{{"--ranks", "1000001"}, "--ranks must be at most 1000000, not 1000001"},
             mistake{{"--ranks", "9223372036854775807"},
                     "--ranks must be at most 1000000, not 9223372036854775807"},
             mistake{{"--threads", "5000"}, "--threads must be at most 4096, not 5000"},
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
             mistake{{"-r", "--exclude", "/"}, "--exclude needs a pattern, not '/'"},
             mistake{{"-r", "--exclude", "./"}, "--exclude needs a pattern, not './'"},
             mistake{{"-r", "--exclude", "a/../b"}, "--exclude matches no path with '..': 'a/../b'"},
             mistake{{"--tag", "--text"}, "--tag does not support --text mode"},
             mistake{{"--json", "--tag"}, "the --tag option is meaningless with --json"},
             mistake{{"--json", "-z"}, "the --zero option is meaningless with --json"},
             mistake{{"--files0-from=x", "y"}, "file operands cannot be combined with --files0-from: 'y'"},
             mistake{{"--files0-from", ""}, "--files0-from needs the name of a file, not ''"},
             mistake{{"-o", ""}, "--output needs the name of a file, not ''"},
         }) {
        INFO(wrong.said);
        CHECK_THROWS_WITH(parsed(wrong.arguments), wrong.said);
        CHECK_THROWS_AS(parsed(wrong.arguments), spmd_sum::usage_error);
    }
    CHECK_THROWS_WITH(parsed({"-a", "md6"}), Catch::StartsWith("no digest algorithm 'md6'; available: "));
    CHECK_THROWS_WITH(parsed({"-a", ""}), Catch::StartsWith("no digest algorithm ''; available: "));
}
