// Guards against: a range that misses its end or exceeds it, a duplicate value, an endless list, and a typing
// error that is accepted as a value.

#include <catch2/catch.hpp>
#include <spmd_bench/options/axis.hpp>
#include <spmd_bench/options/units.hpp>

#include <string>
#include <vector>

using namespace spmd_bench;

namespace {

const axis_syntax whole_numbers{[](std::string_view text) -> std::optional<double> {
                                    const auto count = parse_count(text);
                                    return count ? std::optional(static_cast<double>(*count)) : std::nullopt;
                                },
                                "a whole number"};
const axis_syntax times{[](std::string_view text) -> std::optional<double> {
                            const auto time = parse_duration(text);
                            return time ? std::optional(static_cast<double>(time->count())) : std::nullopt;
                        },
                        "a time"};
const axis_syntax fractions{parse_decimal, "a number", false};

} // namespace

TEST_CASE("lists and ranges have these values") {
    CHECK(parse_axis("7", whole_numbers) == std::vector<double>{7});
    CHECK(parse_axis("3,1,2", whole_numbers) == std::vector<double>{3, 1, 2});
    CHECK(parse_axis("1:4096:*4", whole_numbers) == std::vector<double>{1, 4, 16, 64, 256, 1024, 4096});
    CHECK(parse_axis("1:100:*4", whole_numbers) == std::vector<double>{1, 4, 16, 64});
    CHECK(parse_axis("0:10:+5", whole_numbers) == std::vector<double>{0, 5, 10});
    CHECK(parse_axis("5:5:*2", whole_numbers) == std::vector<double>{5});
    CHECK(parse_axis("1,10:30:+10,2", whole_numbers) == std::vector<double>{1, 10, 20, 30, 2});
    CHECK(parse_axis("0,100ns,1us,10us", times) == std::vector<double>{0, 100, 1'000, 10'000});
    CHECK(parse_axis("100ns:10us:*10", times) == std::vector<double>{100, 1'000, 10'000});
    CHECK(parse_axis("0:2us:+500ns", times) == std::vector<double>{0, 500, 1'000, 1'500, 2'000});
    CHECK(parse_axis("0:1:+0.5", fractions) == std::vector<double>{0, 0.5, 1});
}

TEST_CASE("values are unique, and fractions are rounded to whole numbers") {
    CHECK(parse_axis("4,1:16:*4,16", whole_numbers) == std::vector<double>{4, 1, 16});
    CHECK(parse_axis("1:4:*1.5", whole_numbers) == std::vector<double>{1, 2, 3}); // of 1, 1.5, 2.25, 3.375
}

TEST_CASE("a range reaches its end in spite of rounding errors") {
    CHECK(parse_axis("1:1.4641:*1.1", fractions).size() == 5);
}

TEST_CASE("the error for a malformed list says what is expected") {
    const auto message = [](const std::string& text) {
        try {
            parse_axis(text, whole_numbers);
        } catch (const axis_error& error) {
            return std::string(error.what());
        }
        return std::string("it was accepted");
    };
    CHECK(message("") == "is a whole number, not ''");
    CHECK(message("1,") == "is a whole number, not ''");
    CHECK(message("1,x") == "is a whole number, not 'x'");
    CHECK(message("1:10") == "accepts ranges such as 1:100:*2 or 1:100:+10, not '1:10'");
    CHECK(message("1:10:2") == "accepts steps such as *2 or +10 at the end of a range, not '2'");
    CHECK(message("1:10:*x") == "accepts steps such as *2 or +10 at the end of a range, not '*x'");
    CHECK(message("1:10:+x") == "is a whole number, not 'x'");
    CHECK(message("10:1:*2") == "accepts ranges that ascend, not '10:1:*2'");
    CHECK(message("0:10:*2") == "accepts steps that ascend, not '0:10:*2'");
    CHECK(message("1:10:*1") == "accepts steps that ascend, not '1:10:*1'");
    CHECK(message("1:10:+0") == "accepts steps that ascend, not '1:10:+0'");
    CHECK(message("1:2:*1.000000000001") == "accepts larger steps than in '1:2:*1.000000000001'");
    CHECK(message("1:100000:+1") == "accepts at most 10000 values");
}

TEST_CASE("a text is split at every separator") {
    CHECK(split("a,b", ',') == std::vector<std::string>{"a", "b"});
    CHECK(split(",", ',') == std::vector<std::string>{"", ""});
    CHECK(split("", ',') == std::vector<std::string>{""});
}
