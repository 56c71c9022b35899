#pragma once

#include <spmd/detail/launch/task_stack.hpp>

namespace spmd::detail {

/// Calls a function, which may run tasks, on the thread's own stack.
template <class Function>
void on_thread(Function&& function) {
    if (task_stack* const small = task_stack::here())
        small->call_on_thread([](void* object) { (*static_cast<Function*>(object))(); }, &function);
    else
        function();
}

} // namespace spmd::detail
