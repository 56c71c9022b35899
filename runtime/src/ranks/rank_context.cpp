#include <spmd/detail/ranks/rank_context.hpp>

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/ranks/communicator.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

void throw_no_coroutine(std::size_t id) {
    throw std::logic_error(
        "rank " + std::to_string(id) +
        " called a collective from a plain task; return spmd::task to make it a coroutine, or broadcast "
        "spmd::on_fibers(task)");
}

std::size_t require_member(const rank_context& context, std::size_t id) {
    if (id < context.size) return id;
    throw std::invalid_argument(not_below("rank", id, context.size));
}

void require_not_root(std::size_t id, std::size_t root) {
    if (id != root) return;
    throw std::invalid_argument(
        "rank " + std::to_string(id) +
        " is the root: it passes what the others receive, as in broadcast(value, root)");
}

void acquire(const rank_context& shared) noexcept { shared.peers->acquire(); }
void release(const rank_context& shared) noexcept { shared.peers->release(); }

} // namespace spmd::detail
