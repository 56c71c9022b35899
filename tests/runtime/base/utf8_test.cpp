// Guards against overlong forms, surrogates, codes past U+10FFFF and cut sequences that pass for characters,
// and against reads past the end of a text. Expected codes are from the Unicode charts, the invalid forms
// from RFC 3629.

#include "base/utf8.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using spmd::detail::first_utf8_character;
using spmd::detail::utf8_character;

TEST_CASE("the first and the last character of each length are decoded") {
    const std::vector<std::pair<std::string, utf8_character>> characters{
        {std::string(1, '\0'), {0x00, 1}},  {"\x7F", {0x7F, 1}},           {"\xC2\x80", {0x80, 2}},
        {"\xDF\xBF", {0x7FF, 2}},           {"\xE0\xA0\x80", {0x800, 3}},  {"\xED\x9F\xBF", {0xD7FF, 3}},
        {"\xEE\x80\x80", {0xE000, 3}},      {"\xEF\xBF\xBF", {0xFFFF, 3}}, {"\xF0\x90\x80\x80", {0x10000, 4}},
        {"\xF4\x8F\xBF\xBF", {0x10FFFF, 4}}};
    for (const auto& [bytes, character] : characters) {
        CAPTURE(bytes);
        CHECK(first_utf8_character(bytes) == character);
        CHECK(first_utf8_character(bytes + "more") == character);
    }
    CHECK(first_utf8_character(spmd::detail::utf8_replacement) == utf8_character{0xFFFD, 3});
}

TEST_CASE("invalid forms are not characters") {
    for (const std::string_view bytes :
         {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80",
          "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xC3(", "\xE2\x28\xA1",
          "\xE2\x82(", "\xF0\x9F\x98("}) {
        CAPTURE(bytes);
        CHECK(!first_utf8_character(bytes));
    }
}

TEST_CASE("a character that is cut off is not one, and nothing past the end is read") {
    const std::string_view cut = "\xF0\x9F\x98\x80";
    for (std::size_t size = 1; size < cut.size(); ++size) CHECK(!first_utf8_character(cut.substr(0, size)));
    CHECK(first_utf8_character(cut) == utf8_character{0x1F600, 4});
}
