// Guards against: a line that is not JSON, or that does not preserve every byte of a name.
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

TEST_CASE("a UTF-8 name is preserved, whatever characters it has") {
    for (const std::string name :
         {"plain", "two words", "quote\"back\\slash", "line\nfeed\r\t", "caf\xc3\xa9", "\x01\x7f"}) {
        INFO(name);
        const nlohmann::json line = parsed(name);
        CHECK(line == nlohmann::json{{"name", name}, {"status", "ok"}});
    }
}

TEST_CASE("a name of invalid UTF-8 has its bytes in name_hex") {
    const nlohmann::json line = parsed("caf\xe9\xff.txt");
    CHECK(line["name"] == "caf\xef\xbf\xbd\xef\xbf\xbd.txt");
    CHECK(line["name_hex"] == "636166e9ff2e747874");
    CHECK(line["status"] == "ok");
}
