// Guards against: misaligned columns, lines wider than the terminal, and trailing blanks.

#include <catch2/catch.hpp>
#include <spmd_bench/report/text_table.hpp>

#include <string>
#include <vector>

using namespace spmd_bench;

namespace {

const std::vector<column> columns{
    {"way", "", {"serial", "map"}}, {"median", "us", {"1.25", "12.50"}}, {"tasks", "", {"0", "500"}}};

} // namespace

TEST_CASE("columns are side by side where they fit") {
    CHECK(text_table(columns, 1, 80) == "way     median  tasks\n"
                                        "            us\n"
                                        "serial    1.25      0\n"
                                        "map      12.50    500\n");
    CHECK(text_table(columns, 1, 21) == text_table(columns, 1, 80));
}

TEST_CASE("columns that do not fit follow below, beside the keys") {
    CHECK(text_table(columns, 1, 20) == "way     median\n"
                                        "            us\n"
                                        "serial    1.25\n"
                                        "map      12.50\n"
                                        "\n"
                                        "way     tasks\n"
                                        "serial      0\n"
                                        "map       500\n");
    CHECK(text_table(columns, 1, 1) == text_table(columns, 1, 20)); // at least one column
    CHECK(text_table(columns, 2, 1) == text_table(columns, 1, 80));
}

TEST_CASE("markdown has a row per cell, all as wide as the head") {
    CHECK(markdown_table(columns) == "| way | median (us) | tasks |\n"
                                     "| --- | ---: | ---: |\n"
                                     "| serial | 1.25 | 0 |\n"
                                     "| map | 12.50 | 500 |\n");
}

TEST_CASE("words are wrapped behind their name") {
    const std::vector<std::string> words{"ab", "cd", "efghijklm"};
    CHECK(wrapped("x  ", words, 8) == "x  ab cd\n   efghijklm\n");
    CHECK(wrapped("", words, 80) == "ab cd efghijklm\n");
    CHECK(wrapped("x", {}, 80) == "x\n");
}
