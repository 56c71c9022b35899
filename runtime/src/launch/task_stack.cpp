#include <spmd/detail/launch/task_stack.hpp>

namespace spmd::detail {
namespace {

// Read by a signal handler, which must not allocate.
[[gnu::tls_model("initial-exec")]] constinit thread_local task_stack* stack_here = nullptr;

} // namespace

[[gnu::noinline]] task_stack* task_stack::here() noexcept { return stack_here; }
[[gnu::noinline]] void task_stack::set_here(task_stack* stack) noexcept { stack_here = stack; }

} // namespace spmd::detail
