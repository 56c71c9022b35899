#include <spmd/error.hpp>

#include <algorithm>
#include <utility>

namespace spmd {
namespace {

constexpr std::size_t named_failures = 4;

std::string singular(task_kind kind) { return kind == task_kind::rank ? "rank" : "item"; }

std::string count_of(std::size_t some, std::size_t all, task_kind kind) {
    return std::to_string(some) + " of " + std::to_string(all) + ' ' + singular(kind) + (all == 1 ? "" : "s");
}

std::string describe(task_kind kind, std::span<const failure> failures, std::size_t tasks,
                     std::size_t cancelled) {
    std::string text = count_of(failures.size(), tasks, kind) + " failed: ";
    const std::size_t named = std::min(failures.size(), named_failures);
    for (std::size_t i = 0; i < named; ++i) {
        if (i > 0) text += "; ";
        text +=
            singular(kind) + ' ' + std::to_string(failures[i].index) + ": " + message_of(failures[i].error);
    }
    if (failures.size() > named) text += "; and " + std::to_string(failures.size() - named) + " more";
    if (cancelled > 0) text += " (" + std::to_string(cancelled) + " did not start)";
    return text;
}

} // namespace

composite_error::composite_error(task_kind kind, std::vector<failure> failures, std::size_t tasks,
                                 std::size_t cancelled)
    : error(describe(kind, failures, tasks, cancelled)), kind_(kind), failures_(std::move(failures)) {}

cancelled::cancelled(task_kind kind, std::size_t not_run, std::size_t tasks)
    : error("cancelled: " + count_of(not_run, tasks, kind) + " did not run") {}

cancelled::cancelled(task_kind kind, std::size_t index)
    : error("cancelled: " + singular(kind) + ' ' + std::to_string(index) + " did not run") {}

stage_error::stage_error(std::string stage, std::exception_ptr cause)
    : error("stage \"" + stage + "\": " + message_of(cause)), stage_(std::move(stage)),
      cause_(std::move(cause)) {}

std::string message_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        return exception.what();
    } catch (...) {
        return "an unknown exception";
    }
}

} // namespace spmd
