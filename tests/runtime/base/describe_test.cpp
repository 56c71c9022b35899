// Guards against messages and pictures in which a vector of strings takes four lines, and against a parser of
// type names that drops part of a name it does not recognise.

#include <spmd/detail/base/describe.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

struct digest {};
template <class... T>
struct holder {};

template <class T>
std::string name() {
    return spmd::detail::name_of(typeid(T));
}

} // namespace

TEST_CASE("types are named as a programmer would write them") {
    CHECK(name<int>() == "int");
    CHECK(name<std::string>() == "std::string");
    CHECK(name<std::string_view>() == "std::string_view");
    CHECK(name<std::vector<std::string>>() == "std::vector<std::string>");
    CHECK(name<std::vector<std::vector<double>>>() == "std::vector<std::vector<double>>");
    CHECK(name<std::map<std::string, int>>() == "std::map<std::string, int>");
    CHECK(name<std::set<int, std::greater<>>>() == "std::set<int, std::greater<void>>");
    CHECK(name<std::set<int, std::less<>>>() == "std::set<int, std::less<void>>");
    CHECK(name<std::unordered_map<std::string, std::vector<int>>>() ==
          "std::unordered_map<std::string, std::vector<int>>");
    CHECK(name<std::unique_ptr<digest>>() == "std::unique_ptr<digest>");
    CHECK(name<std::function<std::string(int, const std::string&)>>() ==
          "std::function<std::string (int, std::string const&)>");
}

TEST_CASE("an index out of range is named with its bound") {
    CHECK(spmd::detail::not_below("rank", 3, 2) == "rank 3 is not below 2");
}

TEST_CASE("indices are abridged to the first few ranges") {
    spmd::detail::index_ranges ranks;
    ranks.add(3);
    CHECK(ranks.text("rank") == "rank 3");
    for (const std::size_t rank : {4U, 6U, 7U, 8U, 10U, 12U, 14U, 15U}) ranks.add(rank);
    CHECK(ranks.size() == 9);
    CHECK(ranks.text("rank") == "ranks 3, 4, 6 to 8, 10, 12 and 2 more");
}

TEST_CASE("types outside the standard library keep all their template arguments") {
    CHECK(name<holder<int, std::allocator<int>>>() == "holder<int, std::allocator<int>>");
    CHECK(name<holder<>>() == "holder<>");
    CHECK(name<holder<std::vector<char>, int(*)[3]>>() == "holder<std::vector<char>, int (*) [3]>");
}

TEST_CASE("a name that cannot be parsed is returned unchanged") {
    using spmd::detail::readable_type;
    CHECK(readable_type("").empty());
    for (const char* odd : {"a<b", "a>b", "a)b", "a(b", "a<b,", "a::operator<", "a::operator<<int>", "a,b"}) {
        CAPTURE(odd);
        CHECK(readable_type(odd) == odd);
    }
}
