// Guards against JSON that no reader accepts: bytes that are neither escaped nor UTF-8, separators at the
// wrong place, times that lose digits. An independent parser reads the texts back.

#include "trace/json_writer.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using nlohmann::json;
using spmd::detail::json_object;
using spmd::detail::json_quoted;

TEST_CASE("every character of one byte is read back") {
    for (int code = 0; code < 0x80; ++code) {
        const std::string text{'a', static_cast<char>(code), 'b'};
        CHECK(json::parse(json_quoted(text)) == text);
    }
}

TEST_CASE("control characters, quotes and backslashes are escaped, others are not") {
    CHECK(json_quoted("") == R"("")");
    CHECK(json_quoted("\n\x1f\x7f") == "\"\\u000a\\u001f\x7f\"");
    CHECK(json_quoted(R"(a "b" \ c/d)") == R"("a \"b\" \\ c/d")");
    CHECK(json_quoted("caf\xc3\xa9 \xf0\x9f\x98\x80") == "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"");
}

TEST_CASE("each byte of invalid UTF-8 is replaced") {
    const std::string bad = "\xef\xbf\xbd";
    const std::vector<std::pair<std::string, std::string>> texts{
        {"caf\xe9", "caf" + bad}, {"\xed\xa0\x80", bad + bad + bad}, {"\xc0\xaf!", bad + bad + "!"}};
    for (const auto& [text, replaced] : texts) CHECK(json_quoted(text) == '"' + replaced + '"');
}

TEST_CASE("an object has its members in their order") {
    CHECK(json_object().text() == "{}");
    const json_object inner = json_object().number("least", std::numeric_limits<std::int64_t>::min());
    const std::string text =
        json_object().string("a", "x").object("none", json_object()).object("b", inner).number("c", 0).text();
    CHECK(text == R"({"a":"x","b":{"least":-9223372036854775808},"c":0})");
}

TEST_CASE("times are microseconds with three decimals") {
    const std::vector<std::pair<std::int64_t, std::string>> times{
        {0, "0.000"}, {1, "0.001"}, {999, "0.999"}, {1000, "1.000"}, {12'345'678'090, "12345678.090"}};
    for (const auto& [nanoseconds, text] : times)
        CHECK(json_object().time("t", nanoseconds).text() == R"({"t":)" + text + "}");
}
