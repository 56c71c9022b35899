// Guards against: a line that is no JSON, or from which a name does not come back byte by byte.
#include <spmd_sum/json_line.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

namespace {

nlohmann::json parsed(const std::string& name) {
    std::string text;
    spmd_sum::append_json_line(text, name, {{"status", "ok"}});
    REQUIRE(text.back() == '\n');
    REQUIRE(text.find('\n') == text.size() - 1);
    return nlohmann::json::parse(text);
}

} // namespace

TEST_CASE("a name of UTF-8 is itself, whatever else is in it") {
    for (const std::string name :
         {"plain", "two words", "quote\"back\\slash", "line\nfeed\r\t", "caf\xc3\xa9", "\x01\x7f"}) {
        INFO(name);
        const nlohmann::json line = parsed(name);
        CHECK(line == nlohmann::json{{"name", name}, {"status", "ok"}});
    }
}

TEST_CASE("a name that is no UTF-8 has its bytes beside what can be shown of it") {
    const nlohmann::json line = parsed("caf\xe9\xff.txt");
    CHECK(line["name"] == "caf\xef\xbf\xbd\xef\xbf\xbd.txt");
    CHECK(line["name_hex"] == "636166e9ff2e747874");
    CHECK(line["status"] == "ok");
}
