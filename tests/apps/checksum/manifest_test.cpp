// Guards against: a line read as another file or digest than it names, a name that loses a byte, and a wrong
// count of lines.
#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <checksum/algorithm.hpp>
#include <checksum/manifest.hpp>
#include <checksum/sum_line.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using checksum::hex;
using checksum::manifest_entry;
using checksum::manifest_parser;
using checksum::manifest_reader;
using test_support::temporary_directory;

namespace {

const std::string digits = "900150983cd24fb0d6963f7d28e17f72"; // MD5 of "abc", RFC 1321

/// "tag|digits|name", or "malformed".
std::string shown(const std::optional<manifest_entry>& entry) {
    return entry ? entry->tag + '|' + hex(entry->digest.bytes()) + '|' + entry->name : "malformed";
}
std::string parsed(std::string_view line, bool is_zero_ended = false) {
    return shown(manifest_parser({.is_zero_ended = is_zero_ended}).parse(line));
}

/// The parsed lines of a manifest, or the line numbers of malformed ones.
std::vector<std::string> lines_of(const std::string& path, bool is_zero_ended = false) {
    std::vector<std::string> lines;
    manifest_reader reader(path, {.is_zero_ended = is_zero_ended});
    while (true) {
        const auto line = reader.next();
        if (std::holds_alternative<checksum::manifest_end>(line)) return lines;
        const auto* const entry = std::get_if<manifest_entry>(&line);
        lines.push_back(entry != nullptr ? entry->name : "malformed " + std::to_string(reader.line_number()));
    }
}

} // namespace

TEST_CASE("each form of a line") {
    const std::string upper = "900150983CD24FB0D6963F7D28E17F72";
    const std::string expected = '|' + digits + '|';
    CHECK(parsed(digits + "  name") == expected + "name");
    CHECK(parsed(digits + " *name") == expected + "name");
    CHECK(parsed(upper + "  name") == expected + "name");
    CHECK(parsed(digits + "   name") == expected + " name");
    CHECK(parsed(digits + "  *name") == expected + "*name");
    CHECK(parsed(digits + " **name") == expected + "*name");
    CHECK(parsed(digits + "  a  b ") == expected + "a  b ");
    CHECK(parsed(digits + "  caf\xe9") == expected + "caf\xe9");
    CHECK(parsed(digits + "  a\\b") ==
          expected + "a\\b"); // only a line that begins with a backslash is escaped
    CHECK(parsed(digits + " name") == expected + "name");
    CHECK(parsed(digits + "  ") == expected + " ");
    CHECK(parsed(digits + " n") == expected + "n");
    CHECK(parsed("MD5 (name) = " + digits) == "MD5" + expected + "name");
    CHECK(parsed("MD5(name)= " + digits) == "MD5" + expected + "name");
    CHECK(parsed("SHA512/256 (a) = (b)) = " + digits) == "SHA512/256" + expected + "a) = (b)");
    CHECK(parsed("MD5 ( name ) = " + digits) == "MD5" + expected + " name ");
    CHECK(parsed("\\" + digits + "  a\\nb\\\\c\\rd") == expected + "a\nb\\c\rd");
    CHECK(parsed("\\MD5 (a\\nb) = " + digits) == "MD5" + expected + "a\nb");
    CHECK(parsed("MD5 () = " + digits) == "MD5" + expected);
    CHECK(parsed("SHA1 (x) = ff") == "SHA1|ff|x"); // the digest's size is checked later
    CHECK(parsed(digits + " (a) = " + digits) == expected + "(a) = " + digits);
    CHECK(shown(manifest_parser({.digest_size = 1}).parse("ff  x")) == "|ff|x");
}

TEST_CASE("malformed lines") {
    for (const std::string& line : {std::string(),
                                    std::string(" "),
                                    std::string("name"),
                                    digits,
                                    digits + " ",
                                    std::string("ff  x"),
                                    digits + "name",
                                    digits.substr(1) + "  name",
                                    "g" + digits.substr(1) + "  name",
                                    "0x" + digits + "  name",
                                    "MD5 (name = " + digits,
                                    "MD5 name) = " + digits,
                                    " (name) = " + digits,
                                    "(name) = " + digits,
                                    "MD5 (name) " + digits,
                                    std::string("MD5 (name) = "),
                                    "MD5 (name) = " + digits + " ",
                                    "MD5 (name) = " + digits + "x",
                                    "M D5 (name) = " + digits,
                                    "\\" + digits + "  a\\tb",
                                    "\\" + digits + "  ends\\",
                                    "\\\\" + digits + "  name",
                                    digits + std::string("  a\0b", 5),
                                    std::string(130, 'a') + "  name"}) {
        INFO(line);
        CHECK(parsed(line) == "malformed");
    }
}

TEST_CASE("lines that end in NUL: names are not escaped") {
    CHECK(parsed(digits + "  a\nb\\n", true) == '|' + digits + "|a\nb\\n");
    CHECK(parsed("MD5 (a\nb) = " + digits, true) == "MD5|" + digits + "|a\nb");
    CHECK(parsed("\\" + digits + "  name", true) == "malformed");
}

TEST_CASE("the form with one space and those with two characters are never mixed") {
    manifest_parser two;
    CHECK(!two.parse("be careful")); // digits and a space, but no digest
    CHECK(two.parse(digits + "  a"));
    CHECK(!two.parse(digits + " b"));
    CHECK(two.parse(digits + " *c"));
    CHECK(two.parse("MD5 (d) = " + digits));
    manifest_parser one;
    CHECK(!one.parse(digits + digits + "  a")); // not an MD5, so it does not settle the form
    CHECK(one.parse(digits + " a"));
    CHECK(shown(one.parse(digits + "  b")) ==
          '|' + digits + "| b"); // a name with a space, not the other form
    CHECK(shown(one.parse(digits + " *b")) == '|' + digits + "|*b");
}

TEST_CASE("written lines parse to the same entries, for random names and digests in all formats") {
    std::mt19937_64 draw(1);
    for (int i = 0; i < 20'000; ++i) {
        manifest_entry entry;
        entry.name.resize(1 + draw() % 12);
        constexpr std::string_view likely = "\\\n\r ()=*nr#\xe9";
        std::ranges::generate(entry.name, [&] {
            return draw() % 2 == 0 ? likely[draw() % likely.size()] : static_cast<char>(1 + draw() % 255);
        });
        std::vector<std::uint8_t> bytes(1 + draw() % 64);
        std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(draw()); });
        entry.digest = checksum::digest_bytes(bytes);
        const checksum::line_format format{
            .is_tagged = draw() % 2 == 0, .is_binary = draw() % 2 == 0, .is_zero_ended = draw() % 2 == 0};
        if (format.is_tagged) entry.tag = "SHA3-256";
        std::string line;
        checksum::append_sum_line(line, bytes, entry.name, "SHA3-256", format);
        line.pop_back();
        manifest_parser parser({.is_zero_ended = format.is_zero_ended, .digest_size = bytes.size()});
        REQUIRE(parser.parse(line) == entry);
    }
}

TEST_CASE(
    "a manifest: comments and empty lines, two kinds of line ends or none, and the numbers of bad lines") {
    const temporary_directory scratch;
    const std::string path = scratch.write("sums", "# comment\r\n\r\n" + digits + "  a\r\nbad\n\n" + digits +
                                                       "  b\nworse\n" + digits + "  c");
    CHECK(lines_of(path) == std::vector<std::string>{"a", "malformed 4", "b", "malformed 7", "c"});
    const std::string zero = scratch.write("zero", digits + std::string("  a\nb\0", 6) + digits + "  c\r");
    CHECK(lines_of(zero, true) == std::vector<std::string>{"a\nb", "c\r"});
    CHECK(lines_of(scratch.write("empty", "")).empty());
    CHECK(lines_of(scratch.write("long", digits + "  " + std::string(1'000'000, 'x'))).front().size() ==
          1'000'000);
}

TEST_CASE("a manifest that cannot be opened or read is reported") {
    const temporary_directory scratch;
    CHECK_THROWS_WITH(manifest_reader(scratch / "no"), (scratch / "no") + ": No such file or directory");
    manifest_reader directory(scratch.path());
    CHECK_THROWS_WITH(directory.next(), scratch.path() + ": Is a directory");
    CHECK_THROWS_AS(manifest_reader(scratch / "no"), checksum::manifest_error);
}

TEST_CASE("lines of other programs") {
    const temporary_directory scratch;
    const std::string file = scratch.write("a file", "abc");
    struct program {
        std::vector<std::string> arguments;
        std::string tag;
    };
    for (const program& each :
         {program{{"md5sum", file}, ""}, program{{"md5sum", "-b", file}, ""},
          program{{"md5sum", "--tag", file}, "MD5"}, program{{"openssl", "dgst", "-md5", file}, "MD5"},
          program{{"openssl", "dgst", "-r", "-md5", file}, ""}}) {
        INFO(each.arguments[0]);
        if (test_support::run_program({"sh", "-c", "command -v " + each.arguments[0]}).status != 0) {
            WARN(each.arguments[0] << " is not here, and its lines are not read");
            continue;
        }
        const std::string output = test_support::run_program(each.arguments).output;
        CHECK(parsed(output.substr(0, output.size() - 1)) == each.tag + '|' + digits + '|' + file);
    }
}
