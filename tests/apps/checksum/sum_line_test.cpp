// Guards against: a line that differs from md5sum's in a single byte, above all for names that need escaping,
// look escaped, or are not valid UTF-8.

#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <checksum/digest.hpp>
#include <checksum/sum_line.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using checksum::md5_of;

namespace {

std::string md5sum_line(const checksum::md5& digest, const std::string& name,
                        const checksum::line_format& format = {}) {
    std::string text;
    checksum::append_sum_line(text, digest, name, "MD5", format);
    return text;
}

} // namespace

TEST_CASE("a line is the digest, two spaces and the name") {
    CHECK(md5sum_line(md5_of("abc"), "notes.txt") == "900150983cd24fb0d6963f7d28e17f72  notes.txt\n");
    CHECK(md5sum_line(md5_of(""), "") == "d41d8cd98f00b204e9800998ecf8427e  \n");
}

TEST_CASE("a line escapes backslash, newline and carriage return, and marks the line") {
    // Forms of the GNU coreutils manual, section "md5sum invocation".
    const std::string digest = "900150983cd24fb0d6963f7d28e17f72";
    CHECK(md5sum_line(md5_of("abc"), "a\\b") == "\\" + digest + "  a\\\\b\n");
    CHECK(md5sum_line(md5_of("abc"), "a\nb") == "\\" + digest + "  a\\nb\n");
    CHECK(md5sum_line(md5_of("abc"), "a\rb") == "\\" + digest + "  a\\rb\n");
}

TEST_CASE("a line equals md5sum's") {
    const std::vector<std::string> names{
        "plain",  "two words", " leading",    "trailing ", "*star",    "\\",      "\\n",
        "\n",     "\r\n",      "a\\\nb\r\\c", "tab\there", "bell\a",   "\x7f",    "\xff\xfe",
        "\xc3",   "\xc3\xa9",  "MD5 (x) = y", "# comment", "quote'\"", "-dash",   "ends\\",
        "ends\n", "a  b",      "\x1b[31mred", "%s%n",      "\\\\x",    "$(x)`x`", "?*[",
    };
    test_support::temporary_directory scratch;
    struct as_md5sum {
        const char* option;
        checksum::line_format format;
    };
    for (const as_md5sum& each :
         {as_md5sum{"--text", {}}, as_md5sum{"--binary", {.is_binary = true}},
          as_md5sum{"--tag", {.is_tagged = true}}, as_md5sum{"--zero", {.is_zero_ended = true}}}) {
        INFO(each.option);
        std::vector<std::string> arguments{"md5sum", each.option, "--"};
        std::string expected;
        for (const std::string& name : names) {
            arguments.push_back(scratch.write(name, name));
            expected += md5sum_line(md5_of(name), arguments.back(), each.format);
        }
        const auto [output, status] = test_support::run_program(arguments);
        CHECK(status == 0);
        CHECK(expected == output);
    }
}

TEST_CASE("unescaped() restores names, and rejects other escapes") {
    for (const std::string name : {"", "plain", "\\", "\n", "a\\\nb\rc", "\\n"}) {
        std::string text;
        checksum::append_escaped(text, name);
        CHECK(checksum::unescaped(text) == name);
        CHECK(checksum::is_escaped(name) == (text != name));
    }
    for (const std::string& text :
         {std::string("\\"), std::string("a\\t"), std::string("\\x41"), std::string("a\0b", 3)})
        CHECK(checksum::unescaped(text) == std::nullopt);
}
