#pragma once

namespace spmd::detail {

class job;
class launcher;

/// A task's own stack, which is small and which it can leave for the thread's. What blocks the task would run
/// other tasks there.
class task_stack {
public:
    task_stack() = default;
    task_stack(const task_stack&) = delete;
    task_stack& operator=(const task_stack&) = delete;

    /// The stack of the task that runs here; null on the thread's own stack. Never inline: compilers keep the
    /// addresses of thread_locals across a switch to another thread.
    static task_stack* here() noexcept;
    static void set_here(task_stack* stack) noexcept;

    /// Takes part in the job on the thread's stack, then lets the task wait until it is finished.
    virtual void join(launcher& launch, job& work) = 0;
    /// Calls function(object) on the thread's stack.
    virtual void call_on_thread(void (*function)(void*), void* object) = 0;

protected:
    ~task_stack() = default;
};

} // namespace spmd::detail
