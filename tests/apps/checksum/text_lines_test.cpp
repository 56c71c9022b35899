// Guards against: a line lost, cut or joined with the next one at the edges of blocks.
#include "support/temporary_directory.hpp"

#include <checksum/text_lines.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using checksum::text_lines;
using test_support::temporary_directory;

namespace {

std::vector<std::string> lines_of(const std::string& path, char end = '\n') {
    std::vector<std::string> all;
    text_lines lines(path, end);
    while (const auto line = lines.next()) all.emplace_back(*line);
    CHECK(!lines.next()); // and remains at the end
    return all;
}

} // namespace

TEST_CASE("lines, empty ones, and a last one without its terminator") {
    const temporary_directory scratch;
    using texts = std::vector<std::string>;
    CHECK(lines_of(scratch.write("a", "")).empty());
    CHECK(lines_of(scratch.write("b", "\n")) == texts{""});
    CHECK(lines_of(scratch.write("c", "one\n\ntwo\r\nthree")) == texts{"one", "", "two\r", "three"});
    CHECK(lines_of(scratch.write("d", std::string("a\nb\0c\0", 6)), '\0') == texts{"a\nb", "c"});
}

TEST_CASE("lines of all lengths around the size of a block") {
    const temporary_directory scratch;
    constexpr std::size_t block = std::size_t{256} << 10;
    std::string text;
    std::vector<std::string> expected;
    for (const std::size_t length :
         {block - 1, block, block + 1, std::size_t{0}, 3 * block + 7, std::size_t{1}}) {
        expected.emplace_back(length, static_cast<char>('a' + expected.size()));
        text += expected.back() + '\n';
    }
    CHECK(lines_of(scratch.write("lines", text)) == expected);
}

TEST_CASE("a file that cannot be opened or read is reported") {
    const temporary_directory scratch;
    CHECK_THROWS_WITH(text_lines(scratch / "no", '\n'), (scratch / "no") + ": No such file or directory");
    text_lines directory(scratch.path(), '\n');
    CHECK_THROWS_WITH(directory.next(), scratch.path() + ": Is a directory");
}
