// A user's first program: 3 ranks return their ids.
#include <spmd/spmd.hpp>

#include <cstddef>
#include <vector>

int main() {
    spmd::engine_pool pool{{.ranks = 3}};
    const std::vector<std::size_t> ids =
        pool.broadcast([](spmd::rank me) { return std::size_t{me.id()}; }).get();
    return ids == std::vector<std::size_t>{0, 1, 2} ? 0 : 1;
}
