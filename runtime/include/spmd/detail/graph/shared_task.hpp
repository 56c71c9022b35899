#pragma once

#include <memory>
#include <utility>

namespace spmd::detail {

/// A task shared by a node and its copies.
template <class Task>
class shared_task {
public:
    explicit(false) shared_task(Task task) : task_(std::make_shared<const Task>(std::move(task))) {}
    const Task& operator*() const noexcept { return *task_; }

private:
    std::shared_ptr<const Task> task_;
};

} // namespace spmd::detail
