// Guards against: a line that differs from md5sum's own in a single byte, above all for names that have to
// be escaped, look escaped, or are no valid UTF-8.

#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <checksum/digest.hpp>
#include <checksum/md5sum_line.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using checksum::md5_of;
using checksum::md5sum_line;

TEST_CASE("md5sum_line is the digest, two spaces and the name") {
    CHECK(md5sum_line(md5_of("abc"), "notes.txt") == "900150983cd24fb0d6963f7d28e17f72  notes.txt\n");
    CHECK(md5sum_line(md5_of(""), "") == "d41d8cd98f00b204e9800998ecf8427e  \n");
}

TEST_CASE("md5sum_line escapes backslash, newline and carriage return, and marks the line") {
    // The forms of the GNU coreutils manual, section "md5sum invocation".
    const std::string digest = "900150983cd24fb0d6963f7d28e17f72";
    CHECK(md5sum_line(md5_of("abc"), "a\\b") == "\\" + digest + "  a\\\\b\n");
    CHECK(md5sum_line(md5_of("abc"), "a\nb") == "\\" + digest + "  a\\nb\n");
    CHECK(md5sum_line(md5_of("abc"), "a\rb") == "\\" + digest + "  a\\rb\n");
}

TEST_CASE("md5sum_line is what md5sum prints") {
    const std::vector<std::string> names{
        "plain",  "two words", " leading",    "trailing ", "*star",    "\\",      "\\n",
        "\n",     "\r\n",      "a\\\nb\r\\c", "tab\there", "bell\a",   "\x7f",    "\xff\xfe",
        "\xc3",   "\xc3\xa9",  "MD5 (x) = y", "# comment", "quote'\"", "-dash",   "ends\\",
        "ends\n", "a  b",      "\x1b[31mred", "%s%n",      "\\\\x",    "$(x)`x`", "?*[",
    };
    test_support::temporary_directory scratch;
    std::vector<std::string> arguments{"md5sum", "--"};
    std::string expected;
    for (const std::string& name : names) {
        arguments.push_back(scratch.write(name, name));
        expected += md5sum_line(md5_of(name), arguments.back());
    }
    const auto [output, status] = test_support::run_program(arguments);
    CHECK(status == 0);
    CHECK(expected == output);
}
