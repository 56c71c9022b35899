// Guards the page against text that becomes markup: names of ways, paths and commands are shown as they are.

#include <catch2/catch.hpp>
#include <spmd_bench/report/escaped_html.hpp>

using spmd_bench::escaped_html;

TEST_CASE("text is escaped, and invalid UTF-8 is replaced") {
    CHECK(escaped_html("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
    CHECK(escaped_html("µ caf\xe9\n") == "µ caf\xef\xbf\xbd ");
}
