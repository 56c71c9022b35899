#include <spmd/detail/launch/task_stack.hpp>

namespace spmd::detail {
namespace {

constinit thread_local task_stack* stack_here = nullptr;

} // namespace

task_stack* task_stack::here() noexcept { return stack_here; }
void task_stack::set_here(task_stack* stack) noexcept { stack_here = stack; }

} // namespace spmd::detail
