// Guards the tree by which values are combined: its shape decides every bit of a floating-point sum, and
// operations that do not commute see operands out of order if it is wrong.

#include <spmd/detail/base/tree_reduce.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

using spmd::detail::combine_pairwise;
using spmd::detail::fold_leaf;
using spmd::detail::reduce_leaf;
using spmd::detail::tree_reduce;

// Shows the tree: "((0 1) 2)".
struct parenthesize {
    int calls = 0;
    std::string operator()(const std::string& left, const std::string& right) {
        ++calls;
        return '(' + left + ' ' + right + ')';
    }
};

std::string name(std::size_t i) { return std::to_string(i); }

} // namespace

TEST_CASE("a leaf is folded from the left") {
    parenthesize op;
    CHECK(fold_leaf<std::string>(3, 4, name, op) == "3");
    CHECK(fold_leaf<std::string>(3, 7, name, op) == "(((3 4) 5) 6)");
    CHECK(op.calls == 3);
}

TEST_CASE("neighbours are combined pairwise, and an odd last one moves up") {
    const auto tree = [](std::vector<std::string> leaves) {
        parenthesize op;
        return combine_pairwise(std::move(leaves), op);
    };
    CHECK(tree({"a"}) == "a");
    CHECK(tree({"a", "b"}) == "(a b)");
    CHECK(tree({"a", "b", "c"}) == "((a b) c)");
    CHECK(tree({"a", "b", "c", "d"}) == "((a b) (c d))");
    CHECK(tree({"a", "b", "c", "d", "e"}) == "(((a b) (c d)) e)");
    CHECK(tree({"a", "b", "c", "d", "e", "f", "g"}) == "(((a b) (c d)) ((e f) g))");
}

TEST_CASE("a reduction combines leaves of 1,024 values, with one call fewer than there are values") {
    CHECK(reduce_leaf == 1024);
    for (const std::size_t count : {1U, 2U, 1023U, 1024U, 1025U, 2048U, 3000U}) {
        parenthesize op;
        std::vector<std::string> leaves;
        for (std::size_t begin = 0; begin < count; begin += 1024) {
            parenthesize of_leaf;
            leaves.push_back(
                fold_leaf<std::string>(begin, std::min<std::size_t>(begin + 1024, count), name, of_leaf));
        }
        parenthesize of_leaves;
        CHECK(tree_reduce<std::string>(count, name, op) == combine_pairwise(leaves, of_leaves));
        CHECK(op.calls == static_cast<int>(count) - 1);
    }
}
